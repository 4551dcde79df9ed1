"""Sittings as staff, tablets and programs see them."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.problems import NotFound
from signing.documents.models import Document, Slot
from signing.documents.rules import DocumentState, SlotOwner, SlotState
from signing.people.models import Sitting, SittingDocument, SittingWitness, VerifiedPhone
from signing.people.rules import LIVE, Absence, Kind, Method, SignerKind, Standing, State


class SittingNotFound(NotFound):
    slug = "sitting-not-found"


class ListedDocument(Struct, frozen=True, kw_only=True):
    """A document of a sitting. `sha256`: of the bytes that were listed and are shown."""

    document_id: UUID
    position: int
    code: str
    kind: str
    title: str
    slot_id: UUID
    field: str
    sha256: str
    size: int
    pages: int
    pages_shown: list[int]
    shown_at: Instant | None
    signed_at: Instant | None
    bundle_sha256: str | None
    scan_sha256: str | None
    sealed_at: Instant | None
    failure: str

    @property
    def seen(self) -> bool:
        """Every page was fetched by the device."""
        return set(self.pages_shown) >= set(range(1, self.pages + 1))


class WitnessView(Struct, frozen=True):
    staff_id: UUID
    name: str
    title: str
    witnessed_at: Instant


class SittingView(Struct, frozen=True, kw_only=True):
    id: UUID
    kind: Kind
    state: State
    patient_id: UUID
    patient_name: str
    signer_kind: SignerKind
    signer_name: str
    signer_number: str
    relation: str
    standing: Standing | None
    standing_note: str
    absence: Absence | None
    reason: str
    method: Method | None
    opened_by: UUID
    opened_name: str
    opened_title: str
    opened_department: str
    opened_at: Instant
    expires_at: Instant
    joined_at: Instant | None
    device: str
    device_ip: str
    phone_id: UUID | None
    phone: str
    phone_verified_at: Instant | None
    signed_at: Instant | None
    ended_at: Instant | None
    documents: list[ListedDocument]
    witnesses: list[WitnessView]

    @property
    def live(self) -> bool:
        return self.state in LIVE

    @property
    def unseen(self) -> ListedDocument | None:
        """The next document to be shown."""
        return next((item for item in self.documents if item.shown_at is None), None)


class WaitingDocument(Struct, frozen=True):
    """A document whose turn is the patient's."""

    id: UUID
    code: str
    kind: str
    title: str
    pages: int
    sha256: str
    open_since: Instant
    author_id: UUID


class WaitingPatient(Struct, frozen=True):
    """A patient with documents to sign."""

    patient_id: UUID
    name: str
    born: str
    number: str
    documents: list[WaitingDocument]


async def get_sitting(session: AsyncSession, sitting_id: UUID) -> SittingView:
    """Raises SittingNotFound."""
    row = await session.get(Sitting, sitting_id)
    if row is None:
        raise SittingNotFound("Không có lần ký này.")
    return await view_of(session, row)


async def view_of(session: AsyncSession, row: Sitting) -> SittingView:
    await session.refresh(row)
    listed = await session.execute(
        select(SittingDocument, Document.code, Document.kind, Document.title, Slot.field)
        .join(Document, Document.id == SittingDocument.document_id)
        .join(Slot, Slot.id == SittingDocument.slot_id)
        .where(SittingDocument.sitting_id == row.id)
        .order_by(SittingDocument.position)
        .execution_options(populate_existing=True)
    )
    witnesses = await session.scalars(
        select(SittingWitness)
        .where(SittingWitness.sitting_id == row.id)
        .order_by(SittingWitness.witnessed_at, SittingWitness.staff_id)
    )
    phone = await session.get(VerifiedPhone, row.phone_id) if row.phone_id else None
    return SittingView(
        id=row.id,
        kind=Kind(row.kind),
        state=State(row.state),
        patient_id=row.patient_id,
        patient_name=row.patient_name,
        signer_kind=SignerKind(row.signer_kind),
        signer_name=row.signer_name,
        signer_number=row.signer_number,
        relation=row.relation,
        standing=Standing(row.standing) if row.standing else None,
        standing_note=row.standing_note,
        absence=Absence(row.absence) if row.absence else None,
        reason=row.reason,
        method=Method(row.method) if row.method else None,
        opened_by=row.opened_by,
        opened_name=row.opened_name,
        opened_title=row.opened_title,
        opened_department=row.opened_department,
        opened_at=row.opened_at,
        expires_at=row.expires_at,
        joined_at=row.joined_at,
        device=row.device,
        device_ip=row.device_ip,
        phone_id=row.phone_id,
        phone=phone.phone if phone else "",
        phone_verified_at=phone.verified_at if phone else None,
        signed_at=row.signed_at,
        ended_at=row.ended_at,
        documents=[_listed(*found) for found in listed],
        witnesses=[WitnessView(w.staff_id, w.name, w.title, w.witnessed_at) for w in witnesses],
    )


def _listed(row: SittingDocument, code: str, kind: str, title: str, field: str) -> ListedDocument:
    return ListedDocument(
        document_id=row.document_id,
        position=row.position,
        code=code,
        kind=kind,
        title=title,
        slot_id=row.slot_id,
        field=field,
        sha256=row.sha256,
        size=row.size,
        pages=row.pages,
        pages_shown=list(row.pages_shown),
        shown_at=row.shown_at,
        signed_at=row.signed_at,
        bundle_sha256=row.bundle_sha256,
        scan_sha256=row.scan_sha256,
        sealed_at=row.sealed_at,
        failure=row.failure,
    )


async def waiting_patients(
    session: AsyncSession, *, patient_id: UUID | None = None, limit: int = 500
) -> list[WaitingPatient]:
    """Return who has documents to sign, who waits longest first."""
    statement = (
        select(Document, Slot.open_since)
        .join(Slot, Slot.document_id == Document.id)
        .where(
            Slot.owner_kind == SlotOwner.PATIENT,
            Slot.state == SlotState.WAITING,
            Slot.open_since.is_not(None),
            Document.state == DocumentState.PENDING,
            Document.patient_id.is_not(None),
        )
        .order_by(Slot.open_since)
        .limit(limit)
    )
    if patient_id is not None:
        statement = statement.where(Document.patient_id == patient_id)
    found: dict[UUID, WaitingPatient] = {}
    for document, since in await session.execute(statement):
        assert document.patient_id is not None
        assert since is not None
        born = f"{document.patient_born:%d/%m/%Y}" if document.patient_born else ""
        person = found.setdefault(
            document.patient_id,
            WaitingPatient(document.patient_id, document.patient_name, born, document.patient_number, []),
        )
        person.documents.append(
            WaitingDocument(
                document.id,
                document.code,
                document.kind,
                document.title,
                document.pages,
                document.head_sha256,
                since,
                document.author_id,
            )
        )
    return list(found.values())


async def live_sittings(session: AsyncSession) -> list[SittingView]:
    """Return the sittings under way, the latest first."""
    rows = await session.scalars(
        select(Sitting).where(Sitting.state.in_(LIVE)).order_by(Sitting.opened_at.desc()).limit(100)
    )
    return [await view_of(session, row) for row in rows.all()]


async def sittings_of_document(session: AsyncSession, document_id: UUID) -> list[SittingView]:
    """Return every sitting in which a document was listed, the latest first."""
    rows = await session.scalars(
        select(Sitting)
        .join(SittingDocument, SittingDocument.sitting_id == Sitting.id)
        .where(SittingDocument.document_id == document_id)
        .order_by(Sitting.opened_at.desc())
    )
    return [await view_of(session, row) for row in rows.all()]
