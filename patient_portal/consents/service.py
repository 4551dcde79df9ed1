"""Give and withdraw consent per purpose. Silence is no consent: nothing is given until a row says so."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.ids import new_id
from patient_portal.accounts.service import Patient
from patient_portal.consents.models import Consent
from patient_portal.consents.rules import WORDINGS, Purpose


class SetConsent(Struct, frozen=True, forbid_unknown_fields=True):
    given: bool


class ConsentView(Struct, frozen=True):
    purpose: Purpose
    title: str
    text: str
    given: bool
    since: Instant | None


async def consents_of(session: AsyncSession, patient_id: UUID) -> list[ConsentView]:
    """Return every purpose with what holds now; none holds until the person says so."""
    query = (
        select(Consent.purpose, Consent.given, Consent.at)
        .where(Consent.patient_id == patient_id)
        .ext(distinct_on(Consent.purpose))
        .order_by(Consent.purpose, Consent.at.desc(), Consent.id.desc())
    )
    last = {row.purpose: row for row in await session.execute(query)}
    return [
        ConsentView(
            purpose=purpose,
            title=wording.title,
            text=wording.text,
            given=purpose in last and last[purpose].given,
            since=last[purpose].at if purpose in last else None,
        )
        for purpose, wording in WORDINGS.items()
    ]


async def set_consent(
    session: AsyncSession, purpose: Purpose, command: SetConsent, *, patient: Patient, now: Instant
) -> None:
    """Note that the person agrees, or agrees no longer; saying the same twice adds no row."""
    views = await consents_of(session, patient.patient_id)
    if next(view.given for view in views if view.purpose is purpose) == command.given:
        return
    await session.execute(
        insert(Consent).values(
            id=new_id(),
            patient_id=patient.patient_id,
            account_id=patient.account_id,
            purpose=purpose.value,
            given=command.given,
            text_sha256=WORDINGS[purpose].sha256,
            channel="portal",
            ip=patient.ip or None,
            at=now,
        )
    )
    detail = {"purpose": purpose.value, "given": command.given}
    subject = f"portal.consent:{purpose.value}"
    entry = Entry(action=Action.CHANGE, subject=subject, patient_id=patient.patient_id, detail=detail)
    await record(session, entry, patient.actor)


async def has_consent(session: AsyncSession, patient_id: UUID, purpose: Purpose) -> bool:
    return any(view.given for view in await consents_of(session, patient_id) if view.purpose is purpose)
