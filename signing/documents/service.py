"""Prepare documents for signing, look at them, refuse, recall, and find them by code."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.live import touch
from kernel.outbox.api import enqueue, publish
from kernel.paper.verify import new_code
from kernel.problems import Conflict, Forbidden, Refused
from kernel.staff.api import Actor
from signing.documents.models import Document, Refusal, Signature, Slot
from signing.documents.rules import (
    DocumentState,
    SlotOwner,
    SlotState,
    may_become,
)
from signing.documents.views import DocumentNotFound, DocumentView, get_document, owes
from signing.events import DocumentRefused

SEAL = "signing.seal"
INBOX_TOPIC = "signing:inbox"
PEOPLE_TOPIC = "signing:people"
"""Patients whose turn it is, and the sittings in which they sign."""


class NewSlot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One place to sign: a person's, a role's in a department, the patient's, or the organisation's seal."""

    field: Annotated[str, Meta(pattern=r"^[\w.-]{1,60}$")]
    label: str
    owner_staff_id: UUID | None = None
    owner_role: str | None = None
    department: str | None = None
    organisation: bool = False
    patient: bool = False


class NewDocument(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rendered file that waits for signatures. Its bytes are in the object store under `sha256`."""

    id: UUID
    kind: str
    title: str
    subject: str
    author_id: UUID
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    slots: list[NewSlot]
    pages: Annotated[int, Meta(ge=1)] = 1
    patient_id: UUID | None = None
    patient_name: str = ""
    patient_born: date | None = None
    patient_number: str = ""
    supersedes: UUID | None = None
    code: str | None = None
    """The verify code already printed on the sheet (`new_code`); made here when absent."""


class RefuseDocument(Struct, frozen=True, forbid_unknown_fields=True):
    document_id: UUID
    reason: Annotated[str, Meta(min_length=3, max_length=500)]


class DocumentIdReused(Conflict):
    slug = "document-id-reused"


class NoSlots(Refused):
    """A document without a place to sign."""

    slug = "no-slots"


class WrongDocumentState(Conflict):
    slug = "wrong-document-state"


class NotYourTurn(Forbidden):
    slug = "not-your-turn"


class NotTheAuthor(Forbidden):
    slug = "not-the-author"


async def prepare_document(session: AsyncSession, command: NewDocument, *, now: Instant) -> DocumentView:
    """Take a file into signing once; the same command again returns the first result.

    An unfinished document it supersedes ends at once; an issued one when the new one is issued.
    Raises NoSlots, DocumentIdReused, WrongDocumentState.
    """
    known = await session.get(Document, command.id)
    if known is not None:
        if known.base_sha256 != command.sha256:
            raise DocumentIdReused("Mã này đã dùng cho một văn bản khác.")
        return await get_document(session, command.id)
    if not command.slots:
        raise NoSlots("Văn bản phải có ít nhất một ô ký.")
    if command.supersedes:
        await _end_unfinished(session, command.supersedes)
    document = Document(
        id=command.id,
        code=command.code or new_code(),
        kind=command.kind,
        title=command.title,
        subject=command.subject,
        patient_id=command.patient_id,
        patient_name=command.patient_name,
        patient_born=command.patient_born,
        patient_number=command.patient_number,
        author_id=command.author_id,
        base_sha256=command.sha256,
        head_sha256=command.sha256,
        pages=command.pages,
        state=DocumentState.PENDING,
        supersedes=command.supersedes,
        created_at=now,
    )
    session.add(document)
    await session.flush()
    rows = [_slot_row(command.id, at, slot, now) for at, slot in enumerate(command.slots, 1)]
    await session.execute(insert(Slot), rows)
    await announce(session, command.id, rows[0]["owner_kind"], rows[0]["owner_id"])
    return await get_document(session, command.id)


def _slot_row(document_id: UUID, position: int, slot: NewSlot, now: Instant) -> dict[str, Any]:
    kind = SlotOwner.ORGANISATION if slot.organisation else SlotOwner.PATIENT
    if not slot.organisation and not slot.patient:
        kind = SlotOwner.ROLE
    if slot.owner_staff_id is not None:
        kind = SlotOwner.PERSON
    if kind is SlotOwner.ROLE and slot.owner_role is None:
        raise NoSlots(f"Ô ký {slot.label} chưa có người ký.")
    return {
        "id": new_id(),
        "document_id": document_id,
        "position": position,
        "field": slot.field,
        "label": slot.label,
        "owner_kind": kind,
        "owner_id": slot.owner_staff_id if kind is SlotOwner.PERSON else None,
        "owner_role": slot.owner_role if kind is SlotOwner.ROLE else None,
        "owner_department": slot.department if kind is SlotOwner.ROLE else None,
        "open_since": now if position == 1 else None,
        "state": SlotState.WAITING,
    }


async def announce(session: AsyncSession, document_id: UUID, owner_kind: str, owner_id: UUID | None) -> None:
    """Tell whose turn it is: the organisation's seal is a job, a person's inbox and the patients' list are live."""
    if owner_kind == SlotOwner.ORGANISATION:
        await enqueue(session, SEAL, SealDocument(document_id), aggregate=document_id)
    elif owner_kind == SlotOwner.PATIENT:
        touch(session, PEOPLE_TOPIC, {"document": str(document_id)})
    else:
        touch(
            session, f"{INBOX_TOPIC}:{owner_id}" if owner_id else INBOX_TOPIC, {"document": str(document_id)}
        )


class SealDocument(Struct, frozen=True):
    """Payload of the job that seals for the organisation."""

    document_id: UUID


async def _end_unfinished(session: AsyncSession, document_id: UUID) -> None:
    old = await session.get(Document, document_id, with_for_update=True)
    if old is None:
        raise DocumentNotFound("Không tìm thấy văn bản được thay thế.")
    state = DocumentState(old.state)
    if state is DocumentState.ISSUED:
        return
    if not may_become(state, DocumentState.SUPERSEDED):
        raise WrongDocumentState("Văn bản này đã được thay thế bằng một bản khác.")
    await _move(session, old, DocumentState.SUPERSEDED)


async def _move(session: AsyncSession, document: Document, target: DocumentState) -> None:
    """Change the state of a locked document and cancel what still waits. Raises WrongDocumentState."""
    if not may_become(DocumentState(document.state), target):
        raise WrongDocumentState("Trạng thái văn bản không cho phép việc này.")
    document.state = target
    document.lease, document.lease_until = None, None
    await session.flush()
    await session.execute(
        update(Slot)
        .where(Slot.document_id == document.id, Slot.state == SlotState.WAITING)
        .values(state=SlotState.CANCELLED)
    )


async def refuse_document(
    session: AsyncSession, command: RefuseDocument, *, actor: Actor, now: Instant
) -> DocumentView:
    """Refuse to sign, with a reason; the document returns to its author.

    Raises DocumentNotFound, NotYourTurn, WrongDocumentState.
    """
    document = await session.get(Document, command.document_id, with_for_update=True)
    if document is None:
        raise DocumentNotFound("Không tìm thấy văn bản.")
    view = await get_document(session, command.document_id)
    if view.state is not DocumentState.PENDING:
        raise WrongDocumentState("Văn bản này không còn chờ ký.")
    slot = view.next_slot
    if slot is None or not owes(slot, actor):
        raise NotYourTurn("Chưa tới lượt hoặc không phải ô ký của bạn.")
    await session.execute(update(Slot).where(Slot.id == slot.id).values(state=SlotState.REFUSED))
    refusal = Refusal(
        id=new_id(),
        document_id=document.id,
        slot_id=slot.id,
        refused_by=actor.id,
        refused_name=actor.name,
        reason=command.reason.strip(),
        refused_at=now,
    )
    session.add(refusal)
    await _move(session, document, DocumentState.REFUSED)
    entry = Entry(
        action=Action.VOID,
        subject=f"signing.document:{document.id}",
        patient_id=document.patient_id,
        reason=command.reason.strip(),
        detail={"slot": slot.field, "act": "refuse"},
    )
    await record(session, entry, actor)
    await publish(
        session,
        DocumentRefused(
            document_id=document.id,
            kind=document.kind,
            subject=document.subject,
            refused_by=actor.id,
            reason=command.reason.strip(),
            at=now,
        ),
    )
    return await get_document(session, document.id)


async def recall_document(
    session: AsyncSession, document_id: UUID, *, actor: Actor, now: Instant
) -> DocumentView:
    """Take a document back before anybody else signed it; only its author may.

    Raises DocumentNotFound, NotTheAuthor, WrongDocumentState.
    """
    document = await session.get(Document, document_id, with_for_update=True)
    if document is None:
        raise DocumentNotFound("Không tìm thấy văn bản.")
    if document.author_id != actor.id:
        raise NotTheAuthor("Chỉ người lập được thu hồi văn bản.")
    if document.lease_until is not None and document.lease_until > now:
        raise WrongDocumentState("Văn bản đang được ký nên chưa thu hồi được.")
    if await _signed_by_others(session, document):
        raise WrongDocumentState("Đã có người khác ký nên không thu hồi được. Hãy lập bản thay thế.")
    await _move(session, document, DocumentState.RECALLED)
    entry = Entry(
        action=Action.VOID,
        subject=f"signing.document:{document.id}",
        patient_id=document.patient_id,
        detail={"act": "recall"},
    )
    await record(session, entry, actor)
    return await get_document(session, document.id)


async def _signed_by_others(session: AsyncSession, document: Document) -> bool:
    others = select(Signature.id).where(
        Signature.document_id == document.id, Signature.signer_id.is_distinct_from(document.author_id)
    )
    return await session.scalar(others.limit(1)) is not None
