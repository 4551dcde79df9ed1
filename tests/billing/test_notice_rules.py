import hmac
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha512
from pathlib import Path
from typing import Any

import pytest

from billing.notices.rules import (
    BadNotice,
    BadSignature,
    Direction,
    casso_canonical,
    read_casso,
    read_payos,
    read_sepay,
    sepay_signature,
    verify_casso,
    verify_payos,
    verify_sepay,
    whole_vnd,
)

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "data/webhook-vectors.json").read_text())
SEPAY = VECTORS["sepay"]["derived_example"]
RAW = SEPAY["raw_body"].encode()
HEADERS = {"x-sepay-timestamp": SEPAY["timestamp"], "x-sepay-signature": SEPAY["header_signature"]}
SIGNED_AT = datetime.fromtimestamp(int(SEPAY["timestamp"]), UTC)


def test_the_sepay_example_is_signed_right_and_read() -> None:
    verify_sepay(RAW, HEADERS, secret=SEPAY["secret"], now=SIGNED_AT)
    assert sepay_signature(SEPAY["secret"], SEPAY["timestamp"], RAW) == SEPAY["header_signature"]
    event = read_sepay(RAW)
    assert (event.txn_id, event.amount, event.direction) == ("92704", 2_277_000, Direction.IN)
    assert (event.account, event.bank_reference) == ("0123499999", "MBVCB.3278907687")
    assert event.occurred_at == datetime(2023, 3, 25, 7, 2, 37, tzinfo=UTC)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_of_drift_are_allowed(seconds: int) -> None:
    verify_sepay(RAW, HEADERS, secret=SEPAY["secret"], now=SIGNED_AT + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_more_drift_is_refused(seconds: int) -> None:
    with pytest.raises(BadSignature, match="5 phút"):
        verify_sepay(RAW, HEADERS, secret=SEPAY["secret"], now=SIGNED_AT + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("raw", "headers", "secret"),
    [
        (RAW + b" ", HEADERS, SEPAY["secret"]),
        (RAW, HEADERS, "another"),
        (RAW, HEADERS, ""),
        (RAW, {}, SEPAY["secret"]),
        (RAW, {**HEADERS, "x-sepay-timestamp": "1763740801"}, SEPAY["secret"]),
        (RAW, {**HEADERS, "x-sepay-timestamp": "soon"}, SEPAY["secret"]),
        (RAW, {**HEADERS, "x-sepay-signature": "sha256=" + "0" * 64}, SEPAY["secret"]),
        (RAW, {**HEADERS, "x-sepay-signature": "chữ ký"}, SEPAY["secret"]),
    ],
)
def test_forged_sepay_notices_are_refused(raw: bytes, headers: dict[str, str], secret: str) -> None:
    with pytest.raises(BadSignature):
        verify_sepay(raw, headers, secret=secret, now=SIGNED_AT)


def sepay(**changed: Any) -> bytes:
    return json.dumps({**VECTORS["sepay"]["body"], **changed}).encode()


def test_money_out_and_negative_money_go_out() -> None:
    assert read_sepay(sepay(transferType="out")).direction is Direction.OUT
    negative = read_sepay(sepay(transferAmount=-5000))
    assert (negative.direction, negative.amount) == (Direction.OUT, 5000)


@pytest.mark.parametrize(
    "changed",
    [
        {"transferAmount": 1.5},
        {"transferAmount": "500.000,5"},
        {"transferAmount": None},
        {"transferAmount": True},
        {"transferAmount": 1e300},
        {"transferType": "sideways"},
        {"id": None},
        {"id": ""},
        {"transactionDate": "hôm nay"},
    ],
)
def test_notices_that_are_not_money_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(BadNotice):
        read_sepay(sepay(**changed))


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff\xfe", b"transferAmount=1"])
def test_bodies_that_are_not_json_objects_are_refused(raw: bytes) -> None:
    with pytest.raises(BadNotice):
        read_sepay(raw)


def test_amounts_of_gateways() -> None:
    assert [whole_vnd(v) for v in (2277000, 2277000.0, "2277000", "2277000.00")] == [2_277_000] * 4


def test_the_payos_sample() -> None:
    vector = VECTORS["payos"]
    raw = json.dumps(vector["body"]).encode()
    verify_payos(raw, {}, secret=vector["checksum_key"], now=None)
    event = read_payos(raw)
    assert (event.amount, event.structured_reference, event.content) == (3000, "VP123", "VQRIO123")
    vector["body"]["data"]["amount"] += 1
    with pytest.raises(BadSignature):
        verify_payos(json.dumps(vector["body"]).encode(), {}, secret=vector["checksum_key"], now=None)


def test_the_casso_sample() -> None:
    vector = VECTORS["casso_v2"]
    raw, headers = json.dumps(vector["body"]).encode(), {"x-casso-signature": vector["header"]}
    verify_casso(raw, headers, secret=vector["checksum_key"], now=None)
    event = read_casso(raw)
    assert (event.amount, event.test_call, event.counterparty_bank) == (599_000, True, "970415")
    with pytest.raises(BadSignature, match="5 phút"):
        verify_casso(raw, headers, secret=vector["checksum_key"], now=SIGNED_AT)
    with pytest.raises(BadSignature, match="không đúng"):
        verify_casso(raw.replace(b"599000", b"599001"), headers, secret=vector["checksum_key"], now=None)


@pytest.mark.parametrize("escaped", [False, True])
def test_both_forms_of_accents_are_tried_for_casso(escaped: bool) -> None:
    body = {"error": 0, "data": {"id": 7, "description": "viện phí"}}
    signed = hmac.new(b"k", f"1000.{casso_canonical(body, escaped=escaped)}".encode(), sha512).hexdigest()
    headers = {"x-casso-signature": f"t=1000,v1={signed}"}
    verify_casso(json.dumps(body).encode(), headers, secret="k", now=None)


def test_money_out_of_casso() -> None:
    body = {"data": {"id": 7, "amount": -5, "transactionDateTime": "2026-11-21 08:00:00"}}
    assert read_casso(json.dumps(body).encode()).direction is Direction.OUT
