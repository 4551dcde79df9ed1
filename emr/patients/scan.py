"""Read what a scanner gives: the QR of a CCCD / căn cước card, of a BHYT card, our own slips, typed numbers.

Strict (payments.md §5): a scan rewritten by a Vietnamese keyboard or cut short is refused with the reason,
never guessed. The QR of a card carries no signature: it helps data entry, it proves no identity.
"""

import re
import unicodedata
from binascii import crc_hqx
from datetime import date
from enum import StrEnum

from msgspec import Struct

from kernel.problems import Refused


class Sex(StrEnum):
    MALE = "MALE"
    FEMALE = "FEMALE"
    UNKNOWN = "UNKNOWN"


class Precision(StrEnum):
    """How much of a birth date is known."""

    DAY = "DAY"
    MONTH = "MONTH"
    YEAR = "YEAR"
    ESTIMATED = "ESTIMATED"


class Fault(StrEnum):
    """Why a scan was refused; the only thing about it that may be logged."""

    EMPTY = "empty"
    PAYMENT_QR = "payment-qr"
    WEB_LINK = "web-link"
    KEYBOARD = "keyboard"
    CUT_SHORT = "cut-short"
    BAD_FIELD = "bad-field"
    UNKNOWN = "unknown"


class CitizenCard(Struct, frozen=True):
    """QR of a chip CCCD or a căn cước card of 2024."""

    citizen_id: str
    old_id: str | None
    """CMND of 9 digits, printed for matching."""
    name: str
    birth_date: date
    sex: Sex
    address: str
    issued_on: date
    extra_fields: int = 0
    """Căn cước cards may carry more; their meaning is unconfirmed, so they are counted and dropped."""


class InsuranceCardScan(Struct, frozen=True):
    """QR of a BHYT card, old paper form or 2021+/VssID form."""

    insurance_no: str
    """15 characters as printed, or the 10-digit BHXH code."""
    name: str
    birth_date: date
    birth_precision: Precision
    sex: Sex
    address: str | None
    facility_code: str | None
    """MA_CSKCB of the initial facility, 5 characters."""
    valid_from: date | None
    valid_to: date | None
    five_years_from: date | None
    issuer: str | None


class BillSlip(Struct, frozen=True):
    """Reference on our own bill slip."""

    reference: str


class PatientSlip(Struct, frozen=True):
    """Patient code on our own slips and tickets."""

    code: str


class TypedNumber(Struct, frozen=True):
    """A number alone: typed, or a 1-D barcode. 10 digits may be a BHXH code or a phone number."""

    kind: str
    """citizen_id, insurance_code or insurance_card."""
    value: str


Scan = CitizenCard | InsuranceCardScan | BillSlip | PatientSlip | TypedNumber

_ADVICE = {
    Fault.EMPTY: "Chưa đọc được gì. Quét lại hoặc nhập số bằng tay.",
    Fault.PAYMENT_QR: "Đây là mã thanh toán, không phải giấy tờ. Quét thẻ căn cước hoặc thẻ BHYT.",
    Fault.WEB_LINK: "Mã này là đường dẫn trang web, hệ thống không mở. Quét thẻ căn cước hoặc thẻ BHYT.",
    Fault.KEYBOARD: "Bộ gõ tiếng Việt đã làm hỏng nội dung quét. Tắt bộ gõ tiếng Việt rồi quét lại.",
    Fault.CUT_SHORT: "Nội dung quét bị thiếu. Giữ thẻ yên trước máy quét rồi quét lại.",
    Fault.BAD_FIELD: "Một mục trên mã không đúng dạng.",
    Fault.UNKNOWN: "Không đọc được mã này. Dùng giấy tờ khác hoặc nhập số bằng tay.",
}


class BadScan(Refused):
    """The scan can't be used; says why and what to do. Never carries the content of the scan."""

    slug = "bad-scan"

    def __init__(self, fault: Fault, what: str = "") -> None:
        advice = _ADVICE[fault]
        if fault is Fault.BAD_FIELD:
            advice = f"{what} trên mã không đúng dạng. Quét lại; nếu vẫn vậy, nhập theo giấy tờ bằng tay."
        super().__init__(advice, field="scan", extra={"fault": fault.value})
        self.fault = fault


_NOISE = "\ufeff\x00\r\n \t"
_CITIZEN = re.compile(r"[0-9]{12}")
_SOCIAL = re.compile(r"[0-9]{10}")
_CARD_LIKE = re.compile(r"[A-Z]{2}[A-Z0-9]{13}")
_CARD = re.compile(r"[A-Z]{2}[1-5][0-9]{2}[A-Z0-9]{10}")
_BILL = re.compile(r"VP[1-9][0-9]{10}")
_PATIENT = re.compile(r"BN[0-9]{8,}")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_FACILITY = re.compile(r"[0-9]{2}[0-9A-Z][0-9]{2}")
_CONTROL = re.compile(r"[0-9A-Fa-f]{16}-[0-9]{4}")
_LONGEST = 2_000
_SEXES = {"nam": Sex.MALE, "nữ": Sex.FEMALE}
_SEX_DIGITS = {"1": Sex.MALE, "2": Sex.FEMALE}


def parse_scan(text: str) -> Scan:
    """Tell what was scanned and read it. Raises BadScan with the reason and what to do now."""
    text = text.strip(_NOISE)
    if not text:
        raise BadScan(Fault.EMPTY)
    if len(text) > _LONGEST:
        raise BadScan(Fault.UNKNOWN)
    if text.startswith("000201") and _valid_crc(text):
        raise BadScan(Fault.PAYMENT_QR)
    if text.lower().startswith("http"):
        raise BadScan(Fault.WEB_LINK)
    if "|" in text:
        return _parse_card(text)
    return _parse_number(text)


def _parse_card(text: str) -> CitizenCard | InsuranceCardScan:
    parts = text.split("|")
    first = parts[0].strip()
    if _CITIZEN.fullmatch(first):
        return _parse_citizen_card(parts)
    if _SOCIAL.fullmatch(first) or _CARD_LIKE.fullmatch(first):
        return _parse_insurance_card(parts)
    raise BadScan(Fault.UNKNOWN if first.isascii() else Fault.KEYBOARD)


def _parse_number(text: str) -> BillSlip | PatientSlip | TypedNumber:
    text = text.upper()
    if _BILL.fullmatch(text):
        return BillSlip(text)
    if _PATIENT.fullmatch(text):
        return PatientSlip(text)
    if _CITIZEN.fullmatch(text):
        return TypedNumber("citizen_id", text)
    if _SOCIAL.fullmatch(text):
        return TypedNumber("insurance_code", text)
    if _CARD.fullmatch(text):
        return TypedNumber("insurance_card", text)
    raise BadScan(Fault.UNKNOWN)


def _parse_citizen_card(parts: list[str]) -> CitizenCard:
    if len(parts) < 7:
        raise BadScan(Fault.CUT_SHORT)
    number, old, name, birth, sex, address, issued = (_nfc(part) for part in parts[:7])
    if old and not re.fullmatch(r"[0-9]{9}|[0-9]{12}", old):
        raise BadScan(Fault.BAD_FIELD, "Số CMND cũ")
    if _mangled(address):
        raise BadScan(Fault.KEYBOARD)
    return CitizenCard(
        citizen_id=number,
        old_id=old or None,
        name=_name(name),
        birth_date=_day(birth, "Ngày sinh"),
        sex=_sex(sex.lower(), _SEXES),
        address=address,
        issued_on=_day(issued, "Ngày cấp"),
        extra_fields=len(parts) - 7,
    )


def _parse_insurance_card(parts: list[str]) -> InsuranceCardScan:
    if len(parts) not in (15, 17) or parts[-1].strip() != "$":
        raise BadScan(Fault.CUT_SHORT)
    parts = [part.strip() for part in parts]
    number, name, birth, sex, address, facility = parts[:6]
    if not (_SOCIAL.fullmatch(number) or _CARD.fullmatch(number)):
        raise BadScan(Fault.BAD_FIELD, "Số thẻ BHYT")
    if parts[13] != "-" and not _CONTROL.fullmatch(parts[13]):
        raise BadScan(Fault.KEYBOARD)
    birth_date, precision = _birth(birth)
    return InsuranceCardScan(
        insurance_no=number,
        name=_name(_hex_text(name)),
        birth_date=birth_date,
        birth_precision=precision,
        sex=_sex(sex, _SEX_DIGITS),
        address=_optional_hex(address),
        facility_code=_facility(facility),
        valid_from=_optional_day(parts[6], "Ngày bắt đầu giá trị thẻ"),
        valid_to=_optional_day(parts[7], "Ngày hết giá trị thẻ"),
        five_years_from=_optional_day(parts[12], "Ngày đủ 5 năm liên tục"),
        issuer=_optional_hex(parts[15]) if len(parts) == 17 else None,
    )


def _valid_crc(text: str) -> bool:
    """CRC-16/CCITT-FALSE over all but the last four characters (payments.md §1.6)."""
    return f"{crc_hqx(text[:-4].encode(), 0xFFFF):04X}" == text[-4:].upper()


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())


def _mangled(text: str) -> bool:
    return "?" in text or "\ufffd" in text or any(unicodedata.category(char) == "Cc" for char in text)


def is_name(text: str) -> bool:
    """True for a person's name as cards print it: Latin letters with Vietnamese marks, spaces, ' ’ . -"""
    return bool(text) and all(
        char in " '’.-" or (char.isalpha() and unicodedata.name(char, "").startswith("LATIN"))
        for char in text
    )


def _name(text: str) -> str:
    if not text:
        raise BadScan(Fault.CUT_SHORT)
    if not is_name(text):
        raise BadScan(Fault.KEYBOARD)
    return re.sub(r" +", " ", text)


def _hex_text(text: str) -> str:
    if text == "-" or not text:
        raise BadScan(Fault.CUT_SHORT)
    if not _HEX.fullmatch(text):
        raise BadScan(Fault.KEYBOARD)
    try:
        decoded = _nfc(bytes.fromhex(text).decode("utf-8"))
    except UnicodeDecodeError:
        raise BadScan(Fault.KEYBOARD) from None
    if _mangled(decoded):
        raise BadScan(Fault.KEYBOARD)
    return decoded


def _optional_hex(text: str) -> str | None:
    return None if text in ("-", "") else _hex_text(text)


def _day(text: str, what: str) -> date:
    match = re.fullmatch(r"([0-9]{2})(/?)([0-9]{2})\2([0-9]{4})", text)
    if not match:
        raise BadScan(Fault.BAD_FIELD, what)
    day, _, month, year = match.groups()
    return _date(int(year), int(month), int(day), what)


def _optional_day(text: str, what: str) -> date | None:
    return None if text in ("-", "") else _day(text, what)


def _date(year: int, month: int, day: int, what: str) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise BadScan(Fault.BAD_FIELD, what) from None


def _birth(text: str) -> tuple[date, Precision]:
    if re.fullmatch(r"[0-9]{4}", text):
        return _date(int(text), 1, 1, "Năm sinh"), Precision.YEAR
    if re.fullmatch(r"[0-9]{2}/[0-9]{4}", text):
        return _date(int(text[3:]), int(text[:2]), 1, "Tháng sinh"), Precision.MONTH
    return _day(text, "Ngày sinh"), Precision.DAY


def _sex(text: str, sexes: dict[str, Sex]) -> Sex:
    if text not in sexes:
        raise BadScan(Fault.KEYBOARD if "?" in text or not text.isascii() else Fault.BAD_FIELD, "Giới tính")
    return sexes[text]


def _facility(text: str) -> str | None:
    if text in ("-", ""):
        return None
    code = text.replace(" ", "").replace("-", "")
    if not _FACILITY.fullmatch(code):
        raise BadScan(Fault.BAD_FIELD, "Nơi đăng ký khám ban đầu")
    return code
