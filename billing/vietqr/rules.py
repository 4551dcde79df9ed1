"""Build and read VietQR payloads.

Law: NAPAS "Quy định định dạng mã VietQR" v1.0, 09/2021, a profile of EMVCo merchant-presented mode.
"""

import re
import unicodedata
from binascii import crc_hqx
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

NAPAS_GUID = "A000000727"
VNPAY_GUID = "A000000775"
TO_ACCOUNT = "QRIBFTTA"
LIMIT = 499_999_999  # One NAPAS 247 transfer stays below 500 million đồng (§8.1.1).
PURPOSE_LIMIT = 19  # Safe length of a transfer content; NAPAS itself allows 25.


class BadQr(ValueError):
    """The text is not a VietQR payload; the message says why, in Vietnamese."""


class Transfer(Struct, frozen=True, kw_only=True):
    """What a code asks the payer's bank to do. Amount in whole đồng; None in a static code."""

    bin: str
    account: str
    service: str = TO_ACCOUNT
    amount: int | None = None
    purpose: str = ""
    bill: str = ""
    terminal: str = ""
    mcc: str = ""
    name: str = ""
    city: str = ""


class Decoded(Struct, frozen=True, kw_only=True):
    """A payload as a bank app reads it. A `static` code may be paid often; `purpose` is the content."""

    provider: str
    static: bool
    bin: str = ""
    account: str = ""
    merchant_id: str = ""
    service: str = ""
    amount: int | None = None
    purpose: str = ""
    bill: str = ""
    store: str = ""
    reference: str = ""
    terminal: str = ""
    mcc: str = ""
    name: str = ""
    city: str = ""


def crc16(data: bytes) -> str:
    """Return the CRC-16/CCITT-FALSE of the bytes as four upper-case hex digits."""
    return f"{crc_hqx(data, 0xFFFF):04X}"


def strip_vietnamese(text: str) -> str:
    """Drop tones and everything outside ASCII, đ becoming d (it does not decompose); spaces collapse."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    plain = plain.replace("đ", "d").replace("Đ", "D")
    return " ".join(re.sub(r"[^\x20-\x7e]", "", re.sub(r"\s", " ", plain)).split())


def purpose_text(text: str) -> str:
    """Return a transfer content every bank carries: upper-case letters, digits, single spaces, at most 19."""
    kept = re.sub(r"[^A-Z0-9 ]", " ", strip_vietnamese(text).upper())
    return " ".join(kept.split())[:PURPOSE_LIMIT].strip()


def _field(tag: str, value: str, limit: int = 99) -> str:
    if not 1 <= len(value) <= limit or not value.isascii() or not value.isprintable():
        raise BadQr(f"Trường {tag} của mã QR dài 1 đến {limit} ký tự ASCII.")
    return f"{tag}{len(value):02d}{value}"


def _optional(tag: str, value: str, limit: int) -> str:
    return _field(tag, value, limit) if value else ""


def encode(transfer: Transfer) -> str:
    """Return the payload of a code, dynamic if it has an amount. Raises BadQr on values it cannot hold."""
    if not re.fullmatch(r"[0-9]{6}", transfer.bin):
        raise BadQr("Mã ngân hàng (BIN) gồm 6 chữ số.")
    if not re.fullmatch(r"[A-Za-z0-9]{1,19}", transfer.account):
        raise BadQr("Số tài khoản gồm 1 đến 19 chữ cái hoặc chữ số, không dấu.")
    if transfer.amount is not None and not 1 <= transfer.amount <= LIMIT:
        raise BadQr("Một mã QR thu từ 1 đến 499.999.999 đồng; khoản lớn hơn phải chia làm nhiều lần.")
    if transfer.mcc and not re.fullmatch(r"[0-9]{4}", transfer.mcc):
        raise BadQr("Mã ngành (MCC) gồm 4 chữ số.")
    beneficiary = _field("00", transfer.bin) + _field("01", transfer.account, 19)
    account = _field("00", NAPAS_GUID) + _field("01", beneficiary) + _field("02", transfer.service, 10)
    extra = (
        _optional("01", transfer.bill, 25)
        + _optional("07", transfer.terminal, 25)
        + _optional("08", transfer.purpose, 25)
    )
    body = "".join(
        (
            _field("00", "01"),
            _field("01", "11" if transfer.amount is None else "12"),
            _field("38", account),
            _optional("52", transfer.mcc, 4),
            _field("53", "704"),
            "" if transfer.amount is None else _field("54", str(transfer.amount), 13),
            _field("58", "VN"),
            _optional("59", transfer.name, 25),
            _optional("60", transfer.city, 15),
            _optional("62", extra, 99),
            "6304",
        )
    )
    return body + crc16(body.encode("ascii"))


class _Object(NamedTuple):
    tag: str
    value: str


def _objects(text: str) -> list[_Object]:
    found, at = [], 0
    while at < len(text):
        head = text[at : at + 4]
        if not re.fullmatch(r"[0-9]{4}", head) or head[2:] == "00":
            raise BadQr("Mã QR hỏng: độ dài trường sai.")
        end = at + 4 + int(head[2:])
        if end > len(text):
            raise BadQr("Mã QR hỏng: trường bị cắt cụt.")
        found.append(_Object(head[:2], text[at + 4 : end]))
        at = end
    return found


def _template(text: str) -> dict[str, str]:
    objects = _objects(text)
    fields = dict(objects)
    if len(fields) != len(objects):
        raise BadQr("Mã QR hỏng: một trường xuất hiện hai lần.")
    return fields


def _amount(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,13}\.?", text) or int(text.rstrip(".")) == 0:
        raise BadQr("Mã QR hỏng: số tiền không hợp lệ.")
    return int(text.rstrip("."))


def decode(payload: str) -> Decoded:
    """Read a payload strictly: frame, lengths at every level, CRC. Raises BadQr saying what is wrong."""
    text = payload.strip()
    if not text.startswith("000201") or text[-8:-4] != "6304" or not text.isascii():
        raise BadQr("Đây không phải mã VietQR: thiếu phần mở đầu hoặc mã kiểm tra cuối.")
    if crc16(text[:-4].encode("ascii")) != text[-4:].upper():
        raise BadQr("Mã QR hỏng: mã kiểm tra (CRC) không khớp.")
    root = _template(text)
    if list(root)[-1] != "63":
        raise BadQr("Mã QR hỏng: mã kiểm tra không nằm cuối.")
    if root.get("01") not in {"11", "12"} or root.get("53") != "704" or root.get("58") != "VN":
        raise BadQr("Mã QR không phải của Việt Nam hoặc không bằng đồng.")
    extra = _template(root.get("62", ""))
    common = Decoded(
        provider="",
        static=root["01"] == "11",
        amount=_amount(root.get("54")),
        bill=extra.get("01", ""),
        store=extra.get("03", ""),
        reference=extra.get("05", ""),
        terminal=extra.get("07", ""),
        purpose=extra.get("08", ""),
        mcc=root.get("52", ""),
        name=root.get("59", ""),
        city=root.get("60", ""),
    )
    if "38" in root:
        return _napas(root["38"], common)
    if "26" in root:
        vnpay = _template(root["26"])
        if vnpay.get("00") == VNPAY_GUID and vnpay.get("01"):
            return replace(common, provider="VNPAY", merchant_id=vnpay["01"])
    raise BadQr("Mã QR không có tài khoản nhận tiền.")


def _napas(text: str, common: Decoded) -> Decoded:
    account = _template(text)
    if account.get("00") != NAPAS_GUID:
        raise BadQr("Mã QR không thuộc hệ thống NAPAS 247.")
    beneficiary = _template(account.get("01", ""))
    bank, number = beneficiary.get("00", ""), beneficiary.get("01", "")
    if not re.fullmatch(r"[0-9]{6}", bank) or not re.fullmatch(r"[A-Za-z0-9]{1,19}", number):
        raise BadQr("Mã QR hỏng: ngân hàng hoặc số tài khoản không hợp lệ.")
    service = account.get("02", "")
    return replace(common, provider="NAPAS", bin=bank, account=number, service=service)
