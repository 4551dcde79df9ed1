"""The organisation's seal at night: it waits until the leader on duty releases it, or the day begins."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, format_clock
from kernel.ids import new_id
from kernel.outbox.api import enqueue
from kernel.problems import Forbidden
from kernel.staff.api import Actor
from signing.documents.models import Document, Slot
from signing.documents.rules import DocumentState, SlotOwner, SlotState
from signing.documents.service import SEAL, SealDocument, WrongDocumentState
from signing.documents.views import DocumentNotFound, DocumentView, get_document, get_documents
from signing.settings import SigningSettings
from signing.tasks.duty import leaders_on_duty
from signing.tasks.models import Release
from signing.tasks.rules import at_night


class NotOnDuty(Forbidden):
    """Only who leads on duty now releases the seal."""

    slug = "not-on-duty"


async def may_seal_now(
    session: AsyncSession, document_id: UUID, *, settings: SigningSettings, now: Instant
) -> bool:
    """Tell whether the seal may be put on: by day always, at night once it was released for this document."""
    if not at_night(now, settings.seal_release_hours):
        return True
    released = (
        select(Release.id).join(Slot, Slot.id == Release.slot_id).where(Slot.document_id == document_id)
    )
    return await session.scalar(released.limit(1)) is not None


async def waiting_seals(session: AsyncSession, *, limit: int = 200) -> list[DocumentView]:
    """Return documents that wait for the organisation's seal, the oldest first."""
    found = (
        select(Slot.document_id)
        .join(Document, Document.id == Slot.document_id)
        .where(
            Slot.owner_kind == SlotOwner.ORGANISATION,
            Slot.state == SlotState.WAITING,
            Slot.open_since.is_not(None),
            Document.state == DocumentState.PENDING,
        )
        .order_by(Slot.open_since)
        .limit(limit)
    )
    ids = (await session.scalars(found)).all()
    views = {view.id: view for view in await get_documents(session, list(ids))}
    return [views[key] for key in ids if key in views]


async def seals_to_release(
    session: AsyncSession, actor: Actor, *, settings: SigningSettings, now: Instant
) -> list[DocumentView]:
    """Return what the leader on duty may release now; empty by day and for everybody else."""
    if not at_night(now, settings.seal_release_hours) or actor.id not in await leaders_on_duty(session, now):
        return []
    waiting = await waiting_seals(session)
    open_slots = [view.next_slot.id for view in waiting if view.next_slot]
    released = set(await session.scalars(select(Release.slot_id).where(Release.slot_id.in_(open_slots))))
    return [view for view in waiting if view.next_slot and view.next_slot.id not in released]


async def release_seal(
    session: AsyncSession, document_id: UUID, *, actor: Actor, now: Instant
) -> DocumentView:
    """Let the seal be put on a document tonight; a second release changes nothing.

    Raises DocumentNotFound, NotOnDuty, WrongDocumentState.
    """
    document = await session.get(Document, document_id, with_for_update=True)
    if document is None:
        raise DocumentNotFound("Không tìm thấy văn bản.")
    if actor.id not in await leaders_on_duty(session, now):
        raise NotOnDuty(f"Lúc {format_clock(now)} bạn không có trong lịch trực lãnh đạo.")
    view = await get_document(session, document_id)
    slot = view.next_slot
    if slot is None or slot.owner_kind is not SlotOwner.ORGANISATION:
        raise WrongDocumentState("Văn bản này không chờ dấu của cơ sở.")
    values = {
        "id": new_id(),
        "slot_id": slot.id,
        "released_by": actor.id,
        "released_name": f"{actor.title} {actor.name}".strip(),
        "released_at": now,
    }
    statement = insert(Release).values(values).on_conflict_do_nothing(index_elements=["slot_id"])
    if await session.scalar(statement.returning(Release.id)) is None:
        return view
    await enqueue(session, SEAL, SealDocument(document_id))
    entry = Entry(
        action=Action.CHANGE,
        subject=f"signing.document:{document_id}",
        patient_id=document.patient_id,
        detail={"act": "release-seal", "slot": slot.field},
    )
    await record(session, entry, actor)
    return view


async def seal_at_daybreak(session: AsyncSession, *, settings: SigningSettings, now: Instant) -> int:
    """By day: ask for the seal of what waited through the night. Returns how many were asked for."""
    if not settings.seal_release_hours or at_night(now, settings.seal_release_hours):
        return 0
    waiting = await waiting_seals(session)
    asked = [
        await enqueue(session, SEAL, SealDocument(view.id), key=f"{view.id}:{now:%Y-%m-%d}")
        for view in waiting
        if view.next_slot
        and view.next_slot.open_since
        and at_night(view.next_slot.open_since, settings.seal_release_hours)
    ]
    return sum(asked)
