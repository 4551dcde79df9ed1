"""The moves of a sitting, all of them; ages, ways to sign, devices."""

from datetime import date

import pytest

from signing.people.ink import BadEvidenceKey, read_public_key
from signing.people.rules import Kind, Method, Offered, State, age_on, device_words, may_become, methods_for

TABLET = {
    (State.OPEN, State.SHOWN),
    (State.OPEN, State.REFUSED),
    (State.OPEN, State.EXPIRED),
    (State.OPEN, State.CANCELLED),
    (State.SHOWN, State.SIGNED),
    (State.SHOWN, State.REFUSED),
    (State.SHOWN, State.EXPIRED),
    (State.SHOWN, State.CANCELLED),
    (State.SIGNED, State.SEALED),
    (State.SIGNED, State.CANCELLED),
}
ELSEWHERE = {
    (State.OPEN, State.SIGNED),
    (State.OPEN, State.EXPIRED),
    (State.OPEN, State.CANCELLED),
    (State.SIGNED, State.SEALED),
    (State.SIGNED, State.CANCELLED),
}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("target", State)
def test_a_sitting_moves_as_the_table_says_and_never_otherwise(
    kind: Kind, state: State, target: State
) -> None:
    if kind is not Kind.TABLET and state is State.SHOWN:
        assert not any(may_become(kind, before, State.SHOWN) for before in State), "never reached"
    else:
        allowed = TABLET if kind is Kind.TABLET else ELSEWHERE
        assert may_become(kind, state, target) is ((state, target) in allowed)


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2008, 11, 22), date(2026, 11, 22), 18),
        (date(2008, 11, 23), date(2026, 11, 22), 17),
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
    ],
)
def test_a_birthday_counts_from_its_day(born: date, day: date, age: int) -> None:
    assert age_on(born, day) == age


def offered(**more: bool) -> Offered:
    there = {"ink_key": True, "reader": True, "gateway": True, "identity": True} | more
    allowed = ("DRAWN", "FINGERPRINT", "OTP", "NATIONAL_ID")
    return Offered(allowed=allowed, written_kinds=frozenset({"01-BV2"}), **there)


@pytest.mark.parametrize(
    ("have", "kinds", "phone", "methods"),
    [
        (offered(), ["40-BV2"], True, ("DRAWN", "FINGERPRINT", "OTP", "NATIONAL_ID")),
        (offered(), ["40-BV2"], False, ("DRAWN", "FINGERPRINT", "NATIONAL_ID")),
        (offered(), ["40-BV2", "01-BV2"], True, ("DRAWN", "FINGERPRINT", "NATIONAL_ID")),
        (offered(ink_key=False, identity=False), ["40-BV2"], True, ("FINGERPRINT", "OTP")),
        (offered(reader=False, gateway=False), ["40-BV2"], True, ("DRAWN", "NATIONAL_ID")),
    ],
)
def test_only_ways_that_are_set_up_and_fit_are_offered(
    have: Offered, kinds: list[str], phone: bool, methods: tuple[str, ...]
) -> None:
    assert methods_for(have, kinds, phone=phone) == tuple(Method(name) for name in methods)


def test_a_tablet_is_named_in_words() -> None:
    agent = "Mozilla/5.0 (Linux; Android 14; SM-X210) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"
    assert device_words(agent) == "Chrome trên Android"
    assert device_words("") == "Trình duyệt trên máy khác"


def test_a_file_without_an_evidence_key_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]  # a path
    with pytest.raises(BadEvidenceKey):
        read_public_key(tmp_path / "none.pem")
