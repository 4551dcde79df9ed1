"""Search code lists: by code, or by words without marks in any order, each word a beginning."""

import re
from datetime import date
from typing import Any, TypeVar

from msgspec import convert
from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.models import DrugItem, EthnicGroup, Icd10Code, Icd10Pair, Province, ServiceItem, Ward
from emr.catalogs.views import Drug, Icd10, Place, Service
from kernel.problems import NotFound
from kernel.text import fold

_MOST = 50
_LAST = "\U0010ffff"
_ICD10 = [getattr(Icd10Code, name) for name in Icd10.__struct_fields__]
_DRUG = [getattr(DrugItem, name) for name in Drug.__struct_fields__]
_SERVICE: list[Any] = [
    ServiceItem.code,
    ServiceItem.name,
    ServiceItem.kind,
    ServiceItem.claim_group.label("group"),
    ServiceItem.unit,
    ServiceItem.room_code.label("room"),
    ServiceItem.in_scope,
    ServiceItem.result_unit,
    ServiceItem.low,
    ServiceItem.high,
]
View = TypeVar("View")


class NoSuchService(NotFound):
    slug = "no-such-service"


class NoSuchCode(NotFound):
    slug = "no-such-code"


def words_query(typed: str) -> str:
    """Turn typed words into a tsquery in which each is a beginning: "viem ph" asks 'viem':* & 'ph':*"""
    return " & ".join(f"'{word}':*" for word in fold(typed).split()[:10])


def _has_words(key: Any, typed: str) -> ColumnElement[bool]:
    vector = func.to_tsvector(literal_column("'simple'::regconfig"), key)
    wanted = cast(bindparam("words", words_query(typed), String), TSQUERY)
    found: ColumnElement[bool] = vector.bool_op("@@")(wanted)
    return found


def _starts(column: Any, prefix: str) -> ColumnElement[bool]:
    return and_(column >= prefix, column < prefix + _LAST)


async def _views(session: AsyncSession, statement: Select[Any], view: type[View], limit: int) -> list[View]:
    rows = await session.execute(statement.limit(min(limit, _MOST)))
    return [convert(row._asdict(), view) for row in rows]


async def search_icd10(session: AsyncSession, typed: str, limit: int = 20) -> list[Icd10]:
    """Return diagnosis codes by code ("f32", "F32.1") or words ("tram cam"), the closest first."""
    key = fold(typed)
    if not key:
        return []
    compact = re.sub(r"[^a-z0-9]", "", key)
    if re.fullmatch(r"[a-z][0-9]{1,4}", compact):
        by_code = select(*_ICD10).where(_starts(Icd10Code.code_key, compact)).order_by(Icd10Code.code_key)
        return await _views(session, by_code, Icd10, limit)
    rank = case((_starts(Icd10Code.key, f"{key} "), 0), (_starts(Icd10Code.key, key), 1), else_=2)
    by_words = select(*_ICD10).where(_has_words(Icd10Code.key, typed))
    by_words = by_words.order_by(rank, Icd10Code.needs_detail, func.length(Icd10Code.name), Icd10Code.code)
    return await _views(session, by_words, Icd10, limit)


async def get_icd10(session: AsyncSession, code: str) -> Icd10:
    """Raises NoSuchCode."""
    row = (await session.execute(select(*_ICD10).where(Icd10Code.code == code.strip().upper()))).first()
    if row is None:
        raise NoSuchCode(f"Không có mã ICD-10 {code}.")
    return convert(row._asdict(), Icd10)


async def main_code_of_pair(session: AsyncSession, dagger: str, asterisk: str) -> str | None:
    """Return which code of a dagger and asterisk pair is the main one, if they are a pair."""
    statement = select(Icd10Pair.main_code).where(
        Icd10Pair.dagger_code == dagger, Icd10Pair.asterisk_code == asterisk
    )
    code: str | None = await session.scalar(statement)
    return code


async def search_services(
    session: AsyncSession, typed: str, limit: int = 20, *, on: date, kinds: tuple[str, ...] = ()
) -> list[Service]:
    """Return services in force on a day, by code or words; an empty text lists them by name."""
    statement = select(*_SERVICE).where(
        ServiceItem.valid_from <= on, or_(ServiceItem.valid_to.is_(None), ServiceItem.valid_to >= on)
    )
    if kinds:
        statement = statement.where(ServiceItem.kind.in_(kinds))
    key = fold(typed)
    if key:
        code = typed.strip().upper()
        statement = statement.where(or_(_has_words(ServiceItem.key, typed), _starts(ServiceItem.code, code)))
        rank = case((_starts(ServiceItem.code, code), 0), (_starts(ServiceItem.key, key), 1), else_=2)
        statement = statement.order_by(rank)
    return await _views(session, statement.order_by(ServiceItem.name), Service, limit)


async def get_service(session: AsyncSession, code: str, *, on: date) -> Service:
    """Raises NoSuchService if it is unknown or not in force on the day."""
    statement = select(*_SERVICE).where(
        ServiceItem.code == code,
        ServiceItem.valid_from <= on,
        or_(ServiceItem.valid_to.is_(None), ServiceItem.valid_to >= on),
    )
    row = (await session.execute(statement)).first()
    if row is None:
        raise NoSuchService(f"Không có dịch vụ {code} trong danh mục đang dùng.", field="service_code")
    return convert(row._asdict(), Service)


async def search_drugs(session: AsyncSession, typed: str, limit: int = 20) -> list[Drug]:
    """Return drugs by trade name, substance or code."""
    key = fold(typed)
    statement = select(*_DRUG).where(DrugItem.active)
    if key:
        code = typed.strip().upper()
        statement = statement.where(or_(_has_words(DrugItem.key, typed), _starts(DrugItem.code, code)))
        statement = statement.order_by(case((_starts(DrugItem.key, key), 0), else_=1))
    return await _views(session, statement.order_by(DrugItem.name, DrugItem.strength), Drug, limit)


async def get_drug(session: AsyncSession, code: str) -> Drug:
    """Raises NoSuchCode."""
    row = (await session.execute(select(*_DRUG).where(DrugItem.code == code, DrugItem.active))).first()
    if row is None:
        raise NoSuchCode(f"Không có thuốc {code} trong danh mục.")
    return convert(row._asdict(), Drug)


async def list_provinces(session: AsyncSession) -> list[Place]:
    rows = await session.execute(select(Province.code, Province.name).order_by(Province.code))
    return [Place(*row) for row in rows]


async def search_wards(
    session: AsyncSession, typed: str, limit: int = 20, *, province: str | None = None
) -> list[Place]:
    """Return communes and wards whose name without its kind starts with the text."""
    statement = select(Ward.code, Ward.name).where(_starts(Ward.key, fold(typed))).order_by(Ward.key)
    if province:
        statement = statement.where(Ward.province_code == province)
    rows = await session.execute(statement.limit(min(limit, _MOST)))
    return [Place(*row) for row in rows]


async def list_ethnic_groups(session: AsyncSession) -> list[Place]:
    rows = await session.execute(select(EthnicGroup.code, EthnicGroup.name).order_by(EthnicGroup.code))
    return [Place(*row) for row in rows]
