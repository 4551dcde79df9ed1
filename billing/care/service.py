"""Ask emr, through its face and its published views."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    ScalarSelect,
    Text,
    bindparam,
    column,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Uuid

from billing.care.rules import Care, Person, insured_by
from billing.settings import BillingSettings
from emr.api import CardCheck, NoSuchPatient, Precision, Sex, birth_text, get_service, release_orders
from emr.api import stay_of_episode as _stay_of_episode
from kernel.clock import Instant, local_day
from kernel.problems import NotFound
from kernel.statements import Statement

_SEX_WORDS = {Sex.MALE: "Nam", Sex.FEMALE: "Nữ"}

VISITS = (
    text(
        "SELECT payer, insurance, stay_open OR outcome = 'ADMITTED' AS admitted, opened_at FROM emr_v_visit"
        " WHERE episode_id = :episode AND state <> 'CANCELLED'"
    )
    .bindparams(bindparam("episode", type_=Uuid))
    .columns(payer=Text, insurance=JSONB, admitted=Boolean, opened_at=DateTime(timezone=True))
)
"""The visits of an episode, each a VisitFacts, for whoever reads them together with their own rows."""
_PATIENT = table("emr_v_patient", column("id", Uuid), column("name", Text))
_PEOPLE = Statement(
    text(
        "SELECT id, code, name, birth_date, birth_precision, sex, allergies FROM emr_v_patient WHERE id = ANY(:ids)"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid)))
)


class VisitFacts(Struct, frozen=True):
    """A visit, as far as money depends on it."""

    payer: str
    insurance: dict[str, Any] | None
    admitted: bool | None


async def care_of(
    session: AsyncSession,
    episode_id: UUID,
    visits: Sequence[VisitFacts],
    *,
    opened_at: Instant,
    now: Instant,
    settings: BillingSettings,
) -> Care:
    """Return the care of an episode as it stands: the last card check counts, a stay makes it inpatient."""
    checks = [visit.insurance for visit in visits if visit.payer == "BHYT" and visit.insurance]
    # Most episodes never see a bed: ask only where a visit says so.
    stay = await _stay_of_episode(session, episode_id) if any(visit.admitted for visit in visits) else None
    admitted = local_day(stay.admitted_at if stay else opened_at)
    left = local_day(stay.discharged_at if stay and stay.discharged_at else now)
    insured = None
    if checks:
        check = msgspec.convert(checks[-1], CardCheck)
        insured = insured_by(check, admitted_on=admitted, settings=settings)
    return Care(admitted, max(admitted, left), stay is not None, insured)


def name_of(patient_id: ColumnElement[UUID]) -> ScalarSelect[str]:
    """Return a person's name as a value inside another statement."""
    return select(_PATIENT.c.name).where(_PATIENT.c.id == patient_id).scalar_subquery()


async def people(session: AsyncSession, patient_ids: Iterable[UUID]) -> dict[UUID, Person]:
    """Return the people of a page of bills, by id."""
    rows = await _PEOPLE.rows(session, ids=list(patient_ids))
    return {
        row["id"]: Person(
            name=row["name"],
            code=row["code"],
            birth_date=row["birth_date"],
            birth=birth_text(row["birth_date"], Precision(row["birth_precision"])),
            sex=_SEX_WORDS.get(Sex(row["sex"]), ""),
            allergies=row["allergies"],
        )
        for row in rows
    }


async def person(session: AsyncSession, patient_id: UUID) -> Person:
    """Return one person. Raises NoSuchPatient."""
    found = await people(session, [patient_id])
    if patient_id not in found:
        raise NoSuchPatient("Không có người bệnh này.")
    return found[patient_id]


async def release(session: AsyncSession, order_ids: Sequence[UUID], *, now: Instant) -> None:
    """Let paid orders be carried out; those that may be already stay so."""
    if order_ids:
        await release_orders(session, list(order_ids), now=now)


async def service_group(session: AsyncSession, service_code: str, *, on: date) -> str:
    """Return the MA_NHOM of a service; empty if the catalog does not know it (any more)."""
    try:
        return (await get_service(session, service_code, on=on)).group
    except NotFound:
        return ""
