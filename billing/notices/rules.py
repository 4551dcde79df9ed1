"""Verify and read the notices of payment gateways. Pure: bytes and headers in, one event out."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

DRIFT_SECONDS = 5 * 60
ICT = timezone(timedelta(hours=7))  # Gateways write local time without a zone.


class Direction(StrEnum):
    IN = "IN"
    OUT = "OUT"


class ProviderEvent(Struct, frozen=True, kw_only=True):
    """One movement of money as a gateway tells it. Amount in whole đồng, never negative: see `direction`."""

    provider: str
    txn_id: str
    account: str
    direction: Direction
    amount: int
    content: str
    occurred_at: datetime
    va: str = ""
    bank_name: str = ""
    bank_reference: str = ""
    structured_reference: str = ""
    counterparty_bank: str = ""
    counterparty_account: str = ""
    counterparty_name: str = ""
    test_call: bool = False


class BadSignature(ValueError):
    """The notice is not provably from the gateway; the message is Vietnamese."""


class BadNotice(ValueError):
    """The notice is authentic or unprotected but cannot be read as money; the message is Vietnamese."""


def whole_vnd(value: object) -> int:
    """Read an amount as gateways send it: int, whole float or digits. Raises BadNotice on anything else."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}(\.0+)?", value):
        value = int(value.partition(".")[0])
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 10**13:
        raise BadNotice("Số tiền trong thông báo không phải số đồng nguyên.")
    return value


def _local_moment(text: object) -> datetime:
    try:
        return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=ICT)
    except ValueError:
        raise BadNotice("Thời điểm giao dịch trong thông báo không đọc được.") from None


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadNotice("Nội dung thông báo không phải JSON.") from None
    if not isinstance(body, dict):
        raise BadNotice("Nội dung thông báo không phải một đối tượng JSON.")
    return body


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    return "" if value is None else str(value)


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.lower().encode("utf-8", "replace"))


def sepay_signature(secret: str, timestamp: str, raw: bytes) -> str:
    """Return the X-SePay-Signature of a body: sha256= and the hex HMAC over "timestamp.body"."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def verify_sepay(raw: bytes, headers: Mapping[str, str], *, secret: str, now: datetime) -> None:
    """Check a SePay notice. Raises BadSignature if unsigned, wrongly signed or off by over five minutes."""
    stamp, given = headers.get("x-sepay-timestamp", ""), headers.get("x-sepay-signature", "")
    if not secret or not re.fullmatch(r"[0-9]{1,12}", stamp) or not given:
        raise BadSignature("Thông báo không có chữ ký hoặc máy chủ chưa đặt khoá.")
    if not _same(sepay_signature(secret, stamp, raw), given):
        raise BadSignature("Chữ ký của thông báo không đúng.")
    if abs(now.timestamp() - int(stamp)) > DRIFT_SECONDS:
        raise BadSignature("Thông báo đã ký quá 5 phút.")


def read_sepay(raw: bytes) -> ProviderEvent:
    """Read a SePay notice. Raises BadNotice."""
    body = _json_object(raw)
    kind, amount = body.get("transferType"), whole_vnd(body.get("transferAmount"))
    number = body.get("id")
    if (
        kind not in {"in", "out"}
        or isinstance(number, bool)
        or not isinstance(number, int | str)
        or number == ""
    ):
        raise BadNotice("Thông báo thiếu mã giao dịch hoặc chiều tiền.")
    return ProviderEvent(
        provider="sepay",
        txn_id=str(number),
        account=_text(body, "accountNumber"),
        va=_text(body, "subAccount"),
        bank_name=_text(body, "gateway"),
        direction=Direction.IN if kind == "in" and amount >= 0 else Direction.OUT,
        amount=abs(amount),
        content=_text(body, "content"),
        bank_reference=_text(body, "referenceCode"),
        occurred_at=_local_moment(body.get("transactionDate")),
    )


def casso_canonical(body: Mapping[str, Any], *, escaped: bool = False) -> str:
    """Return the compact JSON with sorted keys that Casso v2 signs."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=escaped)


def verify_casso(raw: bytes, headers: Mapping[str, str], *, secret: str, now: datetime | None) -> None:
    """Check a Casso v2 notice; `now` None leaves the age unchecked. Raises BadSignature or BadNotice."""
    found = re.fullmatch(r"t=([0-9]{1,15}),v1=([0-9a-fA-F]{128})", headers.get("x-casso-signature", ""))
    if not secret or not found:
        raise BadSignature("Thông báo không có chữ ký hoặc máy chủ chưa đặt khoá.")
    stamp, given = found.groups()
    body = _json_object(raw)
    forms = (casso_canonical(body, escaped=escaped) for escaped in (False, True))  # Non-ASCII: unconfirmed.
    signed = (
        hmac.new(secret.encode(), f"{stamp}.{form}".encode(), hashlib.sha512).hexdigest() for form in forms
    )
    if not any(_same(expected, given) for expected in signed):
        raise BadSignature("Chữ ký của thông báo không đúng.")
    if now is not None and abs(now.timestamp() - int(stamp) / 1000) > DRIFT_SECONDS:
        raise BadSignature("Thông báo đã ký quá 5 phút.")


def read_casso(raw: bytes) -> ProviderEvent:
    """Read a Casso v2 notice; id 0 is their test call. Raises BadNotice."""
    data = _json_object(raw).get("data")
    if not isinstance(data, dict) or data.get("id") is None:
        raise BadNotice("Thông báo thiếu mã giao dịch.")
    amount = whole_vnd(data.get("amount"))
    return ProviderEvent(
        provider="casso",
        txn_id=_text(data, "id"),
        account=_text(data, "accountNumber"),
        va=_text(data, "virtualAccountNumber"),
        bank_name=_text(data, "bankAbbreviation"),
        direction=Direction.OUT if amount < 0 else Direction.IN,
        amount=abs(amount),
        content=_text(data, "description"),
        bank_reference=_text(data, "reference"),
        occurred_at=_local_moment(data.get("transactionDateTime")),
        counterparty_bank=_text(data, "counterAccountBankId"),
        counterparty_account=_text(data, "counterAccountNumber"),
        counterparty_name=_text(data, "counterAccountName"),
        test_call=_text(data, "id") == "0",
    )


def payos_canonical(data: Mapping[str, Any]) -> str:
    """Return what payOS signs: k=v pairs of the data that arrived, in key order, null as nothing."""
    return "&".join(f"{key}={_payos_value(data[key])}" for key in sorted(data))


def _payos_value(value: Any) -> str:
    if value is None or value in ("null", "undefined"):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return str(value)


def verify_payos(raw: bytes, headers: Mapping[str, str], *, secret: str, now: datetime | None) -> None:
    """Check a payOS notice: signed in the body, over `data` only, no time. Raises BadSignature."""
    del headers, now  # payOS signs neither.
    body = _json_object(raw)
    data, given = body.get("data"), body.get("signature")
    if not secret or not isinstance(data, dict) or not isinstance(given, str):
        raise BadSignature("Thông báo không có chữ ký hoặc máy chủ chưa đặt khoá.")
    expected = hmac.new(secret.encode(), payos_canonical(data).encode(), hashlib.sha256).hexdigest()
    if not _same(expected, given):
        raise BadSignature("Chữ ký của thông báo không đúng.")


def read_payos(raw: bytes) -> ProviderEvent:
    """Read a payOS notice; the key is (paymentLinkId, reference). Raises BadNotice."""
    data = _json_object(raw).get("data")
    if not isinstance(data, dict) or not data.get("reference"):
        raise BadNotice("Thông báo thiếu mã giao dịch.")
    amount = whole_vnd(data.get("amount"))
    return ProviderEvent(
        provider="payos",
        txn_id=f"{_text(data, 'paymentLinkId')}:{_text(data, 'reference')}",
        account=_text(data, "accountNumber"),
        va=_text(data, "virtualAccountNumber"),
        direction=Direction.OUT if amount < 0 else Direction.IN,
        amount=abs(amount),
        content=_text(data, "description"),
        bank_reference=_text(data, "reference"),
        structured_reference=f"VP{_text(data, 'orderCode')}",
        occurred_at=_local_moment(data.get("transactionDateTime")),
        counterparty_bank=_text(data, "counterAccountBankId"),
        counterparty_account=_text(data, "counterAccountNumber"),
        counterparty_name=_text(data, "counterAccountName"),
    )
