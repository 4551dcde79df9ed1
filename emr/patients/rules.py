"""Rules of identity: pure, without database, clock or HTTP."""

import re
from datetime import date
from enum import StrEnum

from emr.patients.scan import Precision, Sex


class IdentifierKind(StrEnum):
    """What a number of a person is. All but OLD_ID name one chart while active (R-21)."""

    CITIZEN = "CITIZEN"
    """Số định danh cá nhân, 12 digits."""
    OLD_ID = "OLD_ID"
    """CMND of 9 digits, or a cancelled personal number: for matching only (R-28)."""
    INSURANCE = "INSURANCE"
    """BHXH code, 10 characters: the tail of every BHYT card number."""
    PASSPORT = "PASSPORT"


UNIQUE_KINDS = frozenset({IdentifierKind.CITIZEN, IdentifierKind.INSURANCE, IdentifierKind.PASSPORT})

_PROVINCES = (
    "001 002 004 006 008 010 011 012 014 015 017 019 020 022 024 025 026 027 030 031 033 034 035 036 037 "
    "038 040 042 044 045 046 048 049 051 052 054 056 058 060 062 064 066 067 068 070 072 074 075 077 079 "
    "080 082 083 084 086 087 089 091 092 093 094 095 096"
)
PROVINCES_OF_BIRTH = frozenset(re.findall("[0-9]{3}", _PROVINCES))
"""Codes inside a personal number mean the province at issue; 07/2025 re-used some: no address follows."""

_CITIZEN = re.compile(r"[0-9]{12}")
_INSURANCE = re.compile(r"[0-9]{10}|[A-Z]{2}[1-5][0-9]{2}[A-Z0-9]{10}")
_OLDEST_YEARS = 130


def is_citizen_id(text: str) -> bool:
    """12 digits. There is no check digit (R-22)."""
    return bool(_CITIZEN.fullmatch(text))


def is_insurance_no(text: str) -> bool:
    """10-digit BHXH code or 15-character card number."""
    return bool(_INSURANCE.fullmatch(text))


def social_code(insurance_no: str) -> str:
    """The BHXH code of a card number: its last ten characters."""
    return insurance_no[-10:]


def citizen_id_warnings(number: str, *, sex: Sex, birth: date) -> list[str]:
    """What does not fit between a personal number and the card: warnings only, as data get corrected."""
    warnings = []
    if number[:3] not in PROVINCES_OF_BIRTH:
        warnings.append("Mã tỉnh trong số định danh không có trong danh mục.")
    if sex is not Sex.UNKNOWN and int(number[3]) % 2 != (sex is Sex.FEMALE):
        warnings.append("Giới tính không khớp số định danh.")
    if 1900 + int(number[3]) // 2 * 100 + int(number[4:6]) != birth.year:
        warnings.append("Năm sinh không khớp số định danh.")
    return warnings


def possible_birth(birth: date, today: date) -> bool:
    return birth <= today and today.year - birth.year <= _OLDEST_YEARS


def age_years(birth: date, on: date) -> int:
    """Whole years lived on a day."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def age_text(birth: date, on: date) -> str:
    """Age as clinicians say it: months under 6 years (72 months), days under one month."""
    months = (on.year - birth.year) * 12 + on.month - birth.month - (on.day < birth.day)
    if months < 1:
        return f"{(on - birth).days} ngày"
    return f"{months} tháng" if months < 72 else f"{age_years(birth, on)} tuổi"


def birth_text(birth: date, precision: Precision) -> str:
    """The birth date with no more than what is known."""
    match precision:
        case Precision.DAY:
            return f"{birth:%d/%m/%Y}"
        case Precision.MONTH:
            return f"{birth:%m/%Y}"
        case Precision.YEAR:
            return f"{birth:%Y}"
        case Precision.ESTIMATED:
            return f"khoảng {birth:%Y}"


def needs_guardian(birth: date, on: date) -> bool:
    """A person under 16 comes with a parent or guardian (R-31)."""
    return age_years(birth, on) < 16
