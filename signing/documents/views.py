"""Documents as people see them: with their slots, who signed, who owes, what replaced them."""

from datetime import date
from typing import Any
from uuid import UUID

from msgspec import Struct, field
from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.problems import NotFound
from kernel.staff.api import Actor
from signing.documents.models import Document, Refusal, Signature, Slot
from signing.documents.rules import DocumentState, SlotOwner, SlotState, next_open, read_code


class SlotView(Struct, frozen=True):
    id: UUID
    position: int
    field: str
    label: str
    owner_kind: SlotOwner
    owner_id: UUID | None
    owner_role: str | None
    owner_department: str | None
    open_since: Instant | None
    state: SlotState
    signed_at: Instant | None
    signer_name: str = ""
    signer_title: str = ""
    level: str = ""
    standing: str = ""
    refused_reason: str = ""
    asked_id: UUID | None = None
    """Who was asked before the slot was handed over, or whose mandate was used."""
    asked_role: str | None = None
    capacity: str = ""
    on_behalf_of: str = ""


class DocumentView(Struct, frozen=True):
    id: UUID
    code: str
    kind: str
    title: str
    subject: str
    patient_id: UUID | None
    patient_name: str
    patient_born: date | None
    patient_number: str
    author_id: UUID
    base_sha256: str
    head_sha256: str
    pages: int
    state: DocumentState
    supersedes: UUID | None
    created_at: Instant
    completed_at: Instant | None
    slots: list[SlotView] = field(default_factory=list)
    superseded_by: UUID | None = None

    @property
    def next_slot(self) -> SlotView | None:
        """The slot whose turn it is."""
        at = next_open([slot.state for slot in self.slots])
        return None if at is None or self.state is not DocumentState.PENDING else self.slots[at]


class DocumentNotFound(NotFound):
    slug = "document-not-found"


async def get_document(session: AsyncSession, document_id: UUID) -> DocumentView:
    """Return a document with its slots. Raises DocumentNotFound."""
    found = await _views(session, Document.id == document_id)
    if not found:
        raise DocumentNotFound("Không tìm thấy văn bản.")
    return found[0]


async def get_documents(session: AsyncSession, document_ids: list[UUID]) -> list[DocumentView]:
    """Return those of the documents that exist, with their slots."""
    return await _views(session, Document.id.in_(document_ids))


async def find_by_code(session: AsyncSession, code: str) -> DocumentView:
    """Return the document of a verify code as typed or scanned. Raises DocumentNotFound."""
    plain = read_code(code)
    found = await _views(session, Document.code == plain) if plain else []
    if not found:
        raise DocumentNotFound("Không có văn bản nào mang mã này. Hãy kiểm tra lại từng ký tự.")
    return found[0]


async def find_by_hash(session: AsyncSession, sha256: str) -> DocumentView | None:
    """Return the document whose bytes, now or after an earlier signature, have this hash."""
    signed = select(Signature.document_id).where(Signature.sha256 == sha256)
    found = await _views(
        session,
        or_(Document.head_sha256 == sha256, Document.base_sha256 == sha256, Document.id.in_(signed)),
    )
    return found[0] if found else None


async def documents_of_subject(session: AsyncSession, subject: str) -> list[DocumentView]:
    """Return the versions of one thing, the latest first."""
    return await _views(session, Document.subject == subject)


async def documents_of_patient(
    session: AsyncSession, patient_id: UUID, *, issued_only: bool = True
) -> list[DocumentView]:
    """Return a patient's documents, the latest first."""
    where = Document.patient_id == patient_id
    if issued_only:
        where = and_(where, Document.completed_at.is_not(None))
    return await _views(session, where)


async def _views(session: AsyncSession, where: Any) -> list[DocumentView]:
    documents = (
        await session.scalars(select(Document).where(where).order_by(Document.created_at.desc()).limit(500))
    ).all()
    if not documents:
        return []
    ids = [document.id for document in documents]
    slots: dict[UUID, list[SlotView]] = {key: [] for key in ids}
    rows = await session.execute(
        select(Slot, Signature, Refusal.reason)
        .outerjoin(Signature, Signature.slot_id == Slot.id)
        .outerjoin(Refusal, Refusal.slot_id == Slot.id)
        .where(Slot.document_id.in_(ids))
        .order_by(Slot.document_id, Slot.position)
    )
    for slot, signature, reason in rows:
        slots[slot.document_id].append(_slot_view(slot, signature, reason))
    newer = await session.execute(
        select(Document.supersedes, Document.id).where(
            Document.supersedes.in_(ids), Document.state.in_([DocumentState.ISSUED, DocumentState.SUPERSEDED])
        )
    )
    replaced: dict[UUID | None, UUID] = {row.supersedes: row.id for row in newer}
    return [_view(document, slots[document.id], replaced.get(document.id)) for document in documents]


def _slot_view(slot: Slot, signature: Signature | None, reason: str | None) -> SlotView:
    return SlotView(
        id=slot.id,
        position=slot.position,
        field=slot.field,
        label=slot.label,
        owner_kind=SlotOwner(slot.owner_kind),
        owner_id=slot.owner_id,
        owner_role=slot.owner_role,
        owner_department=slot.owner_department,
        open_since=slot.open_since,
        state=SlotState(slot.state),
        signed_at=slot.signed_at,
        signer_name=signature.signer_name if signature else "",
        signer_title=signature.signer_title if signature else "",
        level=signature.level if signature else "",
        standing=signature.standing if signature else "",
        refused_reason=reason or "",
        asked_id=(signature.asked_id if signature else None) or slot.asked_id,
        asked_role=slot.asked_role,
        capacity=signature.capacity if signature else "",
        on_behalf_of=signature.on_behalf_of if signature else "",
    )


def _view(document: Document, slots: list[SlotView], superseded_by: UUID | None) -> DocumentView:
    return DocumentView(
        id=document.id,
        code=document.code,
        kind=document.kind,
        title=document.title,
        subject=document.subject,
        patient_id=document.patient_id,
        patient_name=document.patient_name,
        patient_born=document.patient_born,
        patient_number=document.patient_number,
        author_id=document.author_id,
        base_sha256=document.base_sha256,
        head_sha256=document.head_sha256,
        pages=document.pages,
        state=DocumentState(document.state),
        supersedes=document.supersedes,
        created_at=document.created_at,
        completed_at=document.completed_at,
        slots=slots,
        superseded_by=superseded_by,
    )


def owes(slot: SlotView | None, actor: Actor) -> bool:
    """Tell whether it is this person's turn."""
    if slot is None or slot.open_since is None:
        return False
    if slot.owner_kind is SlotOwner.PERSON:
        return slot.owner_id == actor.id
    if slot.owner_kind is SlotOwner.ROLE:
        same = slot.owner_department in (None, actor.department)
        return same and slot.owner_role in {role.value for role in actor.roles}
    return False


async def owed_of(session: AsyncSession, actor: Actor, document_ids: list[UUID]) -> set[UUID]:
    """Return those of the documents whose turn it is this person's to sign."""
    return {view.id for view in await get_documents(session, document_ids) if owes(view.next_slot, actor)}


async def inbox(session: AsyncSession, actor: Actor, *, limit: int = 500) -> list[DocumentView]:
    """Return what waits for this person's signature, the oldest first."""
    by_role = and_(
        Slot.owner_role.in_([role.value for role in actor.roles]),
        or_(Slot.owner_department.is_(None), Slot.owner_department == actor.department),
    )
    owed = (
        select(Slot.document_id)
        .join(Document, Document.id == Slot.document_id)
        .where(
            Slot.state == SlotState.WAITING,
            Slot.open_since.is_not(None),
            Document.state == DocumentState.PENDING,
            or_(Slot.owner_id == actor.id, by_role),
        )
        .order_by(Slot.open_since)
        .limit(limit)
    )
    ids = (await session.scalars(owed)).all()
    found = {view.id: view for view in await _views(session, Document.id.in_(ids))}
    return [found[key] for key in ids if key in found]
