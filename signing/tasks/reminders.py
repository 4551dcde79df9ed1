"""Reminders of owed signatures: once per step of age into the debtor's inbox; old ones also tell the head."""

from datetime import timedelta
from uuid import UUID

from msgspec import Struct, convert
from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.ids import new_id
from kernel.live import touch
from kernel.staff.api import Actor, Role, list_staff
from signing.documents.ages import due_step
from signing.documents.models import Document, Slot
from signing.documents.rules import DocumentState, SlotOwner, SlotState
from signing.documents.service import INBOX_TOPIC
from signing.settings import SigningSettings
from signing.tasks.models import Reminder

_ONCE = 2_000  # Reminders written in one turn of the job; the rest follow in the next.


class Reminded(Struct, frozen=True):
    """What a person sees: a document they were reminded of, or one of their department that became too old."""

    document_id: UUID
    title: str
    patient_name: str
    step: int
    escalated: bool
    open_since: Instant
    owner_id: UUID | None


async def remind(session: AsyncSession, *, settings: SigningSettings, now: Instant) -> int:
    """Write the reminders that have become due. Returns how many; doing it again writes none."""
    steps = settings.reminder_hours
    if not steps:
        return 0
    oldest = now - timedelta(hours=steps[0])
    owed = await session.execute(
        select(Slot)
        .join(Document, Document.id == Slot.document_id)
        .where(
            Slot.state == SlotState.WAITING,
            Slot.open_since <= oldest,
            Slot.owner_kind != SlotOwner.ORGANISATION,
            Document.state == DocumentState.PENDING,
            ~exists().where(Reminder.slot_id == Slot.id, Reminder.step == len(steps)),
        )
        .order_by(Slot.open_since)
        .limit(_ONCE)
    )
    departments = {person.id: person.department for person in await list_staff(session)}
    rows = [_row(slot, departments, settings, now) for slot in owed.scalars()]
    if not rows:
        return 0
    statement = insert(Reminder).values(rows).on_conflict_do_nothing(index_elements=["slot_id", "step"])
    made = (await session.execute(statement.returning(Reminder.to_id, Reminder.escalated))).all()
    for to_id in {row.to_id for row in made}:
        touch(session, f"{INBOX_TOPIC}:{to_id}" if to_id else INBOX_TOPIC)
    if any(row.escalated for row in made):
        touch(session, INBOX_TOPIC)
    return len(made)


def _row(
    slot: Slot, departments: dict[UUID, str], settings: SigningSettings, now: Instant
) -> dict[str, object]:
    assert slot.open_since is not None
    step = due_step(slot.open_since, now, settings.reminder_hours)
    department = departments.get(slot.owner_id) if slot.owner_id else slot.owner_department
    return {
        "id": new_id(),
        "slot_id": slot.id,
        "step": step,
        "to_id": slot.owner_id,
        "to_role": slot.owner_role,
        "department": department,
        "escalated": step >= len(settings.reminder_hours),
        "sent_at": now,
    }


async def reminders_for(session: AsyncSession, actor: Actor, *, limit: int = 50) -> list[Reminded]:
    """Return live reminders of a person: of their own debts, and, for a head, of their department's oldest."""
    mine: list[ColumnElement[bool]] = [
        Reminder.to_id == actor.id,
        and_(
            Reminder.to_role.in_([role.value for role in actor.roles]),
            or_(Reminder.department.is_(None), Reminder.department == actor.department),
        ),
    ]
    if actor.has(Role.DIRECTOR):
        mine.append(Reminder.escalated.is_(True))
    elif actor.has(Role.HEAD):
        mine.append(and_(Reminder.escalated, Reminder.department == actor.department))
    rows = await session.execute(
        select(
            Document.id.label("document_id"),
            Document.title,
            Document.patient_name,
            Reminder.step,
            Reminder.escalated,
            Slot.open_since,
            Slot.owner_id,
        )
        .ext(distinct_on(Slot.id))
        .join(Slot, Slot.id == Reminder.slot_id)
        .join(Document, Document.id == Slot.document_id)
        .where(
            Slot.state == SlotState.WAITING,
            Document.state == DocumentState.PENDING,
            or_(*mine),
        )
        .order_by(Slot.id, Reminder.step.desc())
        .limit(limit)
    )
    found = [convert(row._asdict(), Reminded) for row in rows]
    return sorted(found, key=lambda reminded: reminded.open_since)
