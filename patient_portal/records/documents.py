"""The patient's signed papers: list, one, and its bytes. Every download is audited and shown to the patient."""

from datetime import date
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import PatientView, age_years, get_patient
from emr.api import documents_of_patient as sheets_of_patient
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, local_day
from kernel.problems import Forbidden
from kernel.services import Services
from patient_portal.accounts.service import Patient
from patient_portal.records.rules import icon_of, may_open
from patient_portal.settings import PortalSettings
from signing.api import (
    DocumentNotFound,
    DocumentState,
    DocumentView,
    best_copies,
    best_sha256,
    documents_of_patient,
    get_document,
)


class Signer(Struct, frozen=True):
    name: str
    label: str
    at: Instant


class OwnDocument(Struct, frozen=True):
    """A signed paper (văn bản đã ký) as its patient sees it."""

    id: UUID
    title: str
    kind: str
    icon: str
    day: date
    signed_at: Instant
    pages: int
    sha256: str
    code: str
    verify_path: str
    """Where anybody checks the paper: /v/<code>."""
    signers: list[Signer]
    visit_id: UUID | None


class SummaryOnly(Forbidden):
    """Somebody answers for this patient: the law gives them the summary (Luật KCB Đ69 k4 đ)."""

    slug = "summary-only"


def _own(view: DocumentView, sha256: str, visit_id: UUID | None) -> OwnDocument:
    assert view.completed_at is not None
    return OwnDocument(
        id=view.id,
        title=view.title,
        kind=view.kind,
        icon=icon_of(view.kind),
        day=local_day(view.completed_at),
        signed_at=view.completed_at,
        pages=view.pages,
        sha256=sha256,
        code=view.code,
        verify_path=f"/v/{view.code}",
        signers=[
            Signer(slot.signer_name or slot.label, slot.label, slot.signed_at)
            for slot in view.slots
            if slot.signed_at is not None
        ],
        visit_id=visit_id,
    )


def _opens(kind: str, person: PatientView, *, settings: PortalSettings, now: Instant) -> bool:
    age = age_years(person.birth_date, local_day(now))
    return may_open(
        kind, age, full_from_age=settings.full_record_from_age, summary_kinds=settings.summary_kinds
    )


async def own_documents(
    session: AsyncSession, patient: Patient, *, settings: PortalSettings, now: Instant
) -> list[OwnDocument]:
    """Return the issued papers that nothing replaced and this person may open, the latest first."""
    person = await get_patient(session, patient.patient_id)
    visits = {sheet.document_id: sheet.visit_id for sheet in await sheets_of_patient(session, person.id)}
    papers = await documents_of_patient(session, person.id)
    issued = [
        view
        for view in papers
        if view.state is DocumentState.ISSUED and _opens(view.kind, person, settings=settings, now=now)
    ]
    copies = await best_copies(session, [view.id for view in issued])
    own = [_own(view, copies[view.id], visits.get(view.id)) for view in issued]
    return sorted(own, key=lambda document: document.signed_at, reverse=True)


async def own_document(
    session: AsyncSession, document_id: UUID, patient: Patient, *, settings: PortalSettings, now: Instant
) -> OwnDocument:
    """Return one paper and note that its patient looked.

    Raises DocumentNotFound, also for somebody else's or an unfinished one, and SummaryOnly.
    """
    view = await get_document(session, document_id)
    if view.patient_id != patient.patient_id or view.completed_at is None:
        raise DocumentNotFound("Không tìm thấy văn bản.")
    person = await get_patient(session, patient.patient_id)
    if not _opens(view.kind, person, settings=settings, now=now):
        raise SummaryOnly("Người đại diện chỉ nhận bản tóm tắt. Xin làm đơn tại bệnh viện để xem đầy đủ.")
    await _note(session, Action.VIEW, document_id, patient)
    return _own(view, await best_sha256(session, view.id), None)


async def own_file(
    services: Services, document_id: UUID, patient: Patient, *, now: Instant
) -> tuple[OwnDocument, bytes]:
    """Return the signed bytes as they stand and note the download. Raises as own_document."""
    settings: PortalSettings = services.settings.portal
    async with services.sessions.begin() as session:
        document = await own_document(session, document_id, patient, settings=settings, now=now)
        await _note(session, Action.EXPORT, document_id, patient)
    return document, await services.objects.get(document.sha256)


async def _note(session: AsyncSession, action: Action, document_id: UUID, patient: Patient) -> None:
    subject = f"signing.document:{document_id}"
    await record(session, Entry(action, subject, patient_id=patient.patient_id), patient.actor)
