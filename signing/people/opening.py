"""Open a sitting: check the documents and the person, list them by hash, make the link."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, local_day
from kernel.outbox.api import enqueue
from kernel.paper.verify import new_code
from kernel.problems import Conflict, Refused
from kernel.services import Services
from kernel.staff.api import Actor
from signing.context import context_of
from signing.documents.models import Document
from signing.documents.rules import SlotOwner
from signing.documents.views import DocumentNotFound, DocumentView, get_documents
from signing.layout import NotAppendable, read_layout
from signing.people.models import Sitting, SittingDocument
from signing.people.phones import proven_phone
from signing.people.rules import LIVE, Absence, Kind, SignerKind, State, Who, check_who
from signing.people.settings import PeopleSettings
from signing.people.sittings import code_hash, tell
from signing.people.views import SittingView, view_of

EXPIRE = "signing.people.expire"


class OpenSitting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Documents of one patient for one person to sign. `id` is made by the client and is the idempotency key."""

    id: UUID
    documents: Annotated[list[UUID], Meta(min_length=1, max_length=20)]
    who: Who
    kind: Kind = Kind.TABLET
    absence: Absence | None = None
    reason: Annotated[str, Meta(max_length=500)] = ""


class Opened(Struct, frozen=True):
    """The sitting and the code of its link, told this once."""

    sitting: SittingView
    code: str


class ExpireSitting(Struct, frozen=True):
    sitting_id: UUID


class NotForThePatient(Conflict):
    """A document that does not wait for the patient."""

    slug = "not-for-the-patient"


class OtherPatient(Refused):
    slug = "other-patient"


class BeingSigned(Conflict):
    """In another sitting under way."""

    slug = "being-signed"


class NotOurPaper(Refused):
    """A file that can't carry the evidence."""

    slug = "not-our-paper"


class SittingIdReused(Conflict):
    slug = "sitting-id-reused"


class AbsenceReasonMissing(Refused):
    slug = "absence-reason-missing"


async def open_sitting(services: Services, command: OpenSitting, *, actor: Actor, now: Instant) -> Opened:
    """List documents for a person to sign; a tablet's sitting gets a code, told once.

    Raises DocumentNotFound, NotForThePatient, OtherPatient, BeingSigned, NotOurPaper, MayNotSignAlone, RelationMissing,
    BadRepresentative, AbsenceReasonMissing, SittingIdReused.
    """
    settings = context_of(services).settings
    if (command.kind is Kind.ABSENCE) != (command.absence is not None):
        raise AbsenceReasonMissing("Hãy chọn vì sao không có chữ ký.", field="absence")
    if command.kind is Kind.ABSENCE and len(command.reason.strip()) < 3:
        raise AbsenceReasonMissing("Hãy ghi rõ lý do không có chữ ký.", field="reason")
    async with services.sessions() as session:
        listed = await get_documents(session, command.documents)
    sizes = {view.id: await _size(services, view) for view in listed}
    code = new_code() if command.kind is Kind.TABLET else ""
    async with services.sessions.begin() as session:
        known = await session.get(Sitting, command.id)
        if known is not None:
            raise SittingIdReused("Lần ký này đã được mở. Hãy tải lại trang.")
        documents = await _lock(session, command.documents)
        first = documents[0]
        if command.kind is not Kind.ABSENCE or command.who.kind is SignerKind.REPRESENTATIVE:
            check_who(
                command.who,
                patient_name=first.patient_name,
                patient_number=first.patient_number,
                born=first.patient_born,
                day=local_day(now),
                adult_years=settings.people_adult_years,
            )
        row = _row(command, first, code, settings, actor=actor, now=now)
        if row.kind == Kind.TABLET:
            row.phone_id = await proven_phone(
                session, row.patient_id, row.signer_name, settings=settings, now=now
            )
        session.add(row)
        await session.flush()
        session.add_all([_listed(row.id, at, view, sizes) for at, view in enumerate(documents, 1)])
        await session.flush()
        await enqueue(session, EXPIRE, ExpireSitting(row.id), run_at=row.expires_at)
        entry = Entry(
            action=Action.CREATE,
            subject=f"signing.sitting:{row.id}",
            patient_id=row.patient_id,
            detail={"kind": row.kind, "documents": [str(view.id) for view in documents]},
        )
        await record(session, entry, actor)
        tell(session, row.id)
        return Opened(await view_of(session, row), code)


async def _size(services: Services, view: DocumentView) -> int:
    """Return the size of the file as it stands, which must be one that can carry evidence. Raises NotOurPaper."""
    data = await services.objects.get(view.head_sha256)
    if view.head_sha256 == view.base_sha256:
        try:
            read_layout(data)
        except NotAppendable:
            raise NotOurPaper(
                f"“{view.title}” không do hệ thống lập nên không kèm được bằng chứng ký."
            ) from None
    return len(data)


async def _lock(session: AsyncSession, document_ids: list[UUID]) -> list[DocumentView]:
    """Lock the documents and check that all wait for one patient, in no other sitting."""
    ids = list(dict.fromkeys(document_ids))
    rows = await session.scalars(
        select(Document.id).where(Document.id.in_(ids)).order_by(Document.id).with_for_update()
    )
    rows.all()
    views = {view.id: view for view in await get_documents(session, ids)}
    if len(views) != len(ids):
        raise DocumentNotFound("Không tìm thấy văn bản.")
    documents = [views[key] for key in ids]
    for view in documents:
        slot = view.next_slot
        if slot is None or slot.owner_kind is not SlotOwner.PATIENT:
            raise NotForThePatient(f"“{view.title}” không chờ người bệnh ký.")
        if view.patient_id is None or view.patient_id != documents[0].patient_id:
            raise OtherPatient("Một lần ký chỉ gồm văn bản của một người bệnh.", field="documents")
    busy = await session.scalar(
        select(SittingDocument.document_id)
        .join(Sitting, Sitting.id == SittingDocument.sitting_id)
        .where(SittingDocument.document_id.in_(ids), Sitting.state.in_(LIVE))
        .limit(1)
    )
    if busy is not None:
        title = views[busy].title
        raise BeingSigned(f"“{title}” đang ở trong một lần ký khác. Huỷ lần ký đó trước.")
    return documents


def _row(
    command: OpenSitting,
    first: DocumentView,
    code: str,
    settings: PeopleSettings,
    *,
    actor: Actor,
    now: Instant,
) -> Sitting:
    who = command.who
    assert first.patient_id is not None
    patient = who.kind is SignerKind.PATIENT
    return Sitting(
        id=command.id,
        kind=command.kind,
        state=State.OPEN,
        patient_id=first.patient_id,
        patient_name=first.patient_name,
        signer_kind=who.kind,
        signer_name=first.patient_name if patient else " ".join(who.name.split()),
        signer_number=first.patient_number if patient else who.number.strip(),
        relation=who.relation.strip(),
        standing=who.standing,
        standing_note=who.standing_note.strip(),
        absence=command.absence,
        reason=command.reason.strip(),
        opened_by=actor.id,
        opened_name=actor.name,
        opened_title=actor.title,
        opened_department=actor.department,
        opened_at=now,
        expires_at=now + timedelta(minutes=settings.people_sitting_minutes),
        code_hash=code_hash(code) if code else None,
        device="",
        device_ip="",
    )


def _listed(sitting_id: UUID, position: int, view: DocumentView, sizes: dict[UUID, int]) -> SittingDocument:
    slot = view.next_slot
    assert slot is not None
    return SittingDocument(
        sitting_id=sitting_id,
        document_id=view.id,
        position=position,
        slot_id=slot.id,
        sha256=view.head_sha256,
        size=sizes[view.id],
        pages=view.pages,
        pages_shown=[],
        failure="",
    )
