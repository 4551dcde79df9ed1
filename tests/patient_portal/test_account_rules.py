"""Codes, tokens and the life of a session."""

from datetime import UTC, datetime, timedelta

import pytest

from patient_portal.accounts.rules import (
    clean_code,
    code_matches,
    device_label,
    hash_code,
    login_is_live,
    new_code,
    token_hash,
)

NOW = datetime(2026, 11, 21, 7, tzinfo=UTC)


def test_a_code_is_six_digits_and_only_its_hash_is_kept() -> None:
    code = new_code()
    stored = hash_code(code)
    assert clean_code(code) == code
    assert code.encode() not in stored
    assert code_matches(stored, code)


def test_another_code_and_a_code_never_sent_do_not_match() -> None:
    assert not code_matches(hash_code("123456"), "123457")
    assert not code_matches(None, "000000")


@pytest.mark.parametrize(
    ("typed", "code"), [(" 123 456 ", "123456"), ("12345", None), ("١٢٣٤٥٦", None), ("", None)]
)
def test_what_a_person_types(typed: str, code: str | None) -> None:
    assert clean_code(typed) == code


def test_a_token_is_good_for_one_purpose() -> None:
    assert token_hash("t", "device") != token_hash("t", "session")


@pytest.mark.parametrize(
    ("age", "idle", "live"), [(0, 0, True), (719, 29, True), (720, 0, False), (60, 30, False)]
)
def test_a_session_ends(age: int, idle: int, live: bool) -> None:
    started, seen = NOW - timedelta(minutes=age), NOW - timedelta(minutes=idle)
    assert login_is_live(started_at=started, last_seen_at=seen, now=NOW, hours=12, idle_minutes=30) is live


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        (
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36",
            "Chrome trên Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1",
            "Safari trên iPhone",
        ),
        ("curl/8", "Trình duyệt trên máy khác"),
    ],
)
def test_devices_are_named_in_words(agent: str, label: str) -> None:
    assert device_label(agent) == label
