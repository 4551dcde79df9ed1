"""Give a signature one owes to somebody else (chuyển ký). Who was asked first stays written on the slot."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.live import touch
from kernel.problems import Conflict, Forbidden, Refused
from kernel.staff.api import Actor, Role, StaffView, get_staff, list_staff
from signing.documents.models import Document, Slot
from signing.documents.rules import SlotOwner
from signing.documents.service import INBOX_TOPIC, NotYourTurn, WrongDocumentState
from signing.documents.views import DocumentNotFound, DocumentView, SlotView, get_document, owes
from signing.tasks.models import Handover

_CLINICAL = frozenset({Role.DOCTOR, Role.NURSE, Role.LAB, Role.PHARMACIST, Role.HEAD, Role.DIRECTOR})


class HandOver(Struct, frozen=True, forbid_unknown_fields=True):
    document_id: UUID
    to_id: UUID
    reason: Annotated[str, Meta(min_length=3, max_length=300)]


class NotForOthers(Forbidden):
    """An author's own slot: only the author signs their words; nor does the seal change hands."""

    slug = "not-for-others"


class CannotTake(Refused):
    """The other person doesn't hold what the slot asks for."""

    slug = "cannot-take"


class BeingSigned(Conflict):
    slug = "being-signed"


async def hand_over(session: AsyncSession, command: HandOver, *, actor: Actor, now: Instant) -> DocumentView:
    """Hand the open slot to another person; its age and who was asked first are kept.

    The person asked may, and for somebody away the head of the department or a director.
    Raises DocumentNotFound, WrongDocumentState, NotYourTurn, NotForOthers, CannotTake, BeingSigned, NoSuchAccount.
    """
    document = await session.get(Document, command.document_id, with_for_update=True)
    if document is None:
        raise DocumentNotFound("Không tìm thấy văn bản.")
    view = await get_document(session, command.document_id)
    slot = view.next_slot
    if slot is None:
        raise WrongDocumentState("Văn bản này không còn chờ ký.")
    if document.lease_until is not None and document.lease_until > now:
        raise BeingSigned("Văn bản đang được ký, chưa chuyển được.")
    if slot.owner_kind is SlotOwner.ORGANISATION or slot.owner_id == view.author_id:
        raise NotForOthers("Người lập phải tự ký phần mình lập. Hãy thu hồi văn bản nếu người khác lập lại.")
    owner = await get_staff(session, slot.owner_id) if slot.owner_id else None
    if not owes(slot, actor) and not _leads(actor, slot, owner):
        raise NotYourTurn("Chưa tới lượt hoặc không phải ô ký của bạn.")
    taker = await get_staff(session, command.to_id)
    if not may_take(taker, slot, owner):
        raise CannotTake("Người này không cùng chức danh với người được yêu cầu ký.", field="to_id")
    await _write(session, command, slot, actor, now)
    entry = Entry(
        action=Action.CHANGE,
        subject=f"signing.document:{document.id}",
        patient_id=document.patient_id,
        reason=command.reason.strip(),
        detail={"act": "hand-over", "slot": slot.field, "to": str(command.to_id)},
    )
    await record(session, entry, actor)
    for person in {command.to_id, slot.owner_id} - {None}:
        touch(session, f"{INBOX_TOPIC}:{person}", {"document": str(document.id)})
    return await get_document(session, document.id)


def may_hand_over(document: DocumentView, actor: Actor) -> bool:
    """Tell whether the open slot is this person's and may change hands at all."""
    slot = document.next_slot
    return slot is not None and owes(slot, actor) and slot.owner_id != document.author_id


def _leads(actor: Actor, slot: SlotView, owner: StaffView | None) -> bool:
    if actor.has(Role.DIRECTOR):
        return True
    place = owner.department if owner else slot.owner_department
    return actor.has(Role.HEAD) and place == actor.department


def may_take(taker: StaffView, slot: SlotView, owner: StaffView | None) -> bool:
    """Tell whether somebody else holds what the slot asks for: its role, or a calling of the person asked."""
    if slot.owner_id == taker.id:
        return False
    if slot.owner_kind is SlotOwner.ROLE:
        return slot.owner_role in {role.value for role in taker.roles}
    return owner is not None and bool(owner.roles & taker.roles & _CLINICAL)


async def who_may_take(session: AsyncSession, slot: SlotView) -> list[StaffView]:
    """Return the people a slot may be handed to."""
    staff = await list_staff(session)
    owner = next((person for person in staff if person.id == slot.owner_id), None)
    return [person for person in staff if may_take(person, slot, owner)]


async def _write(
    session: AsyncSession, command: HandOver, slot: SlotView, actor: Actor, now: Instant
) -> None:
    first = slot.asked_id is None and slot.asked_role is None
    asked = {
        "asked_id": slot.owner_id,
        "asked_role": slot.owner_role,
        "asked_department": slot.owner_department,
    }
    await session.execute(
        update(Slot)
        .where(Slot.id == slot.id)
        .values(
            owner_kind=SlotOwner.PERSON,
            owner_id=command.to_id,
            owner_role=None,
            owner_department=None,
            **(asked if first else {}),
        )
    )
    session.add(
        Handover(
            id=new_id(),
            slot_id=slot.id,
            from_id=slot.owner_id,
            from_role=slot.owner_role,
            from_department=slot.owner_department,
            to_id=command.to_id,
            by_id=actor.id,
            reason=command.reason.strip(),
            handed_at=now,
        )
    )
    await session.flush()
