"""Find people: by any of their numbers, by name without marks, by words in any order.

Every look-up is a range or a word list of an index, so its cost does not grow with the number of patients.
"""

import re
from datetime import date
from typing import Any

from msgspec import Struct, convert
from sqlalchemy import Select, String, bindparam, cast, func, or_, select
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from emr.patients.models import Patient, PatientIdentifier
from emr.patients.rules import IdentifierKind, is_insurance_no, social_code
from emr.patients.scan import (
    BillSlip,
    CitizenCard,
    InsuranceCardScan,
    PatientSlip,
    Scan,
    TypedNumber,
    parse_scan,
)
from emr.patients.views import PatientHit
from kernel.text import fold, normalise_phone

_LAST = "\U0010ffff"
_COLUMNS = [getattr(Patient, name) for name in PatientHit.__struct_fields__]
_MOST = 50


class Asked(Struct, frozen=True):
    """What a search text asks for."""

    numbers: tuple[tuple[str, str], ...] = ()
    """Kind of identifier and value, any of them."""
    code: str | None = None
    phone: str | None = None
    phone_tail: str | None = None
    words: tuple[str, ...] = ()
    birth_year: int | None = None


def asked_for(typed: str) -> Asked:
    """Tell numbers from names. Raises BadScan if a scan was pasted that can't be read."""
    typed = typed.strip()
    if "|" in typed:
        return _asked_by_scan(parse_scan(typed))
    compact = re.sub(r"[\s.\-]", "", typed).upper()
    if re.fullmatch(r"BN[0-9]+", compact):
        return Asked(code=compact)
    if re.fullmatch(r"\+?[0-9]+", compact):
        return _asked_by_digits(compact)
    if is_insurance_no(compact):
        return Asked(numbers=((IdentifierKind.INSURANCE, social_code(compact)),))
    words = fold(typed).split()
    year = tail = None
    if len(words) > 1 and words[-1].isdecimal() and len(words[-1]) >= 4:
        last = words.pop()
        if re.fullmatch(r"(19|20)[0-9]{2}", last):
            year = int(last)
        else:
            tail = last
    return Asked(words=tuple(words), birth_year=year, phone_tail=tail)


def _asked_by_digits(digits: str) -> Asked:
    kinds = {9: IdentifierKind.OLD_ID, 10: IdentifierKind.INSURANCE, 12: IdentifierKind.CITIZEN}
    numbers: list[tuple[str, str]] = []
    if kind := kinds.get(len(digits)):
        numbers.append((kind, digits))
    if len(digits) == 12:
        numbers.append((IdentifierKind.OLD_ID, digits))
    try:
        phone = normalise_phone(digits)
    except ValueError:
        phone = None
    tail = digits if 4 <= len(digits) <= 8 and not numbers else None
    return Asked(numbers=tuple(numbers), phone=phone, phone_tail=tail)


def _asked_by_scan(scan: Scan) -> Asked:
    match scan:
        case CitizenCard():
            numbers = [(IdentifierKind.CITIZEN, scan.citizen_id), (IdentifierKind.OLD_ID, scan.citizen_id)]
            if scan.old_id:
                numbers += [(IdentifierKind.OLD_ID, scan.old_id), (IdentifierKind.CITIZEN, scan.old_id)]
            return Asked(numbers=tuple(numbers))
        case InsuranceCardScan():
            return Asked(numbers=((IdentifierKind.INSURANCE, social_code(scan.insurance_no)),))
        case TypedNumber():
            kind = IdentifierKind.CITIZEN if scan.kind == "citizen_id" else IdentifierKind.INSURANCE
            return Asked(numbers=((kind, social_code(scan.value) if kind == "INSURANCE" else scan.value),))
        case PatientSlip():
            return Asked(code=scan.code)
        case BillSlip():
            return Asked()


async def find_patients(session: AsyncSession, typed: str, limit: int = 20) -> list[PatientHit]:
    """Return the people a number, a phone tail, a name or words of it may mean, the best match first.

    Raises BadScan if a card was scanned into the field and can't be read.
    """
    return await _find(session, asked_for(typed), min(limit, _MOST))


async def find_by_scan(session: AsyncSession, scan: Scan) -> list[PatientHit]:
    """Return who holds this card or slip: by the number, the old numbers of a card too."""
    return await _find(session, _asked_by_scan(scan), 5)


async def _find(session: AsyncSession, asked: Asked, limit: int) -> list[PatientHit]:
    found: dict[Any, PatientHit] = {}
    for statement in statements(asked):
        if len(found) >= limit:
            break
        rows = await session.execute(statement.limit(limit))
        for row in rows:
            found.setdefault(row.id, convert(row._asdict(), PatientHit))
    return list(found.values())[:limit]


def statements(asked: Asked) -> list[Select[Any]]:
    base = select(*_COLUMNS)
    if asked.code:
        return [base.where(Patient.code == asked.code)]
    if asked.numbers or asked.phone:
        return _by_numbers(base, asked)
    if asked.birth_year:
        first, last = date(asked.birth_year, 1, 1), date(asked.birth_year, 12, 31)
        base = base.where(Patient.birth_date.between(first, last))
    if asked.phone_tail:
        reverse = func.reverse(Patient.phone)
        tail = asked.phone_tail[::-1]
        by_tail = base.where(reverse >= tail, reverse < tail + _LAST)
        return [_all_words(by_tail, asked.words)]
    return _by_words(base, asked.words)


def _by_numbers(base: Select[Any], asked: Asked) -> list[Select[Any]]:
    statements = []
    if asked.numbers:
        kinds = [
            (PatientIdentifier.kind == kind) & (PatientIdentifier.value == value)
            for kind, value in asked.numbers
        ]
        holders = select(PatientIdentifier.patient_id).where(or_(*kinds))
        statements.append(base.where(Patient.id.in_(holders)).order_by(Patient.registered_at))
    if asked.phone:
        statements.append(base.where(Patient.phone == asked.phone).order_by(Patient.id))
    return statements


def _by_words(base: Select[Any], words: tuple[str, ...]) -> list[Select[Any]]:
    if not words:
        return []
    prefix = " ".join(words)
    name, given = Patient.name_key, Patient.given_key
    statements = [
        base.where(name >= prefix, name < prefix + _LAST).order_by(name, Patient.id),
        base.where(given >= prefix, given < prefix + _LAST).order_by(given, Patient.id),
    ]
    if len(words) > 1:
        pairs = func.array_to_tsvector(Patient.name_pairs)
        wanted = cast(bindparam("pairs", pair_query(words), String), TSQUERY)
        statements.append(base.where(pairs.bool_op("@@")(wanted)))
    return statements


def _all_words(base: Select[Any], words: tuple[str, ...]) -> Select[Any]:
    for word in words:
        base = base.where((" " + Patient.name_key).contains(" " + word))
    return base


def name_pairs(key: str) -> list[str]:
    """Every two words of a folded name in both orders: "huong+nguyen", "nguyen+huong", …"""
    words = key.split()[:8]
    return sorted({f"{a}+{b}" for i, a in enumerate(words) for j, b in enumerate(words) if i != j})


def pair_query(words: tuple[str, ...]) -> str:
    """Ask for names that hold all words in any order; the last one may be a beginning."""
    first, *middle, last = words
    whole = [f"'{first}+{word}'" for word in middle]
    return " & ".join([*whole, f"'{first}+{last}':*"])


async def lookalikes(session: AsyncSession, *, name: str, birth_date: date) -> list[PatientHit]:
    """Return charts with the same folded name and birth date: perhaps the same person."""
    statement = select(*_COLUMNS).where(Patient.name_key == fold(name), Patient.birth_date == birth_date)
    rows = await session.execute(statement.order_by(Patient.id).limit(5))
    return [convert(row._asdict(), PatientHit) for row in rows]
