"""Entries of a stay's treatment sheet (36/BV2): each one a sheet of its own, signed by itself; and their assembly."""

from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.care_teams.service import require_care
from emr.entries.paper import AssembledEntry, Assembly, render_assembly
from emr.facility_signature import SLOT
from emr.patients.service import get_patient
from emr.places.service import get_department
from emr.settings import EmrSettings
from emr.sheets.check import check
from emr.sheets.completion import complete_sheet
from emr.sheets.models import Sheet
from emr.sheets.rules import SheetState, together
from emr.sheets.service import InvalidSheet, form_of, open_sheet, save_draft, view_of
from emr.sheets.views import CompleteSheet, OpenSheet, SaveDraft, SheetView
from emr.stays.service import get_stay
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, local_day
from kernel.ids import new_id
from kernel.paper.render import page_count
from kernel.paper.verify import new_code, verify_url
from kernel.problems import Conflict, NotFound
from kernel.services import Services
from kernel.staff.api import Actor
from signing.api import (
    DocumentState,
    DocumentView,
    NewDocument,
    documents_of_subject,
    get_document,
    prepare_document,
)

FORM = "36-BV2"
KIND = "36-BV2-TO"
_LIVE = (SheetState.DRAFT.value, SheetState.COMPLETED.value, SheetState.SIGNED.value)


class WriteEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """One entry: what was found and ordered at a moment. `id` is the client's and makes a repeat harmless."""

    id: UUID
    stay_id: UUID
    data: dict[str, str]


class EntryLine(Struct, frozen=True):
    """An entry in the list of a stay."""

    sheet_id: UUID
    document_id: UUID | None
    state: SheetState
    at: str
    writer: str
    values: dict[str, Any]
    code: str
    refused_reason: str
    version: int
    mine: bool


class NothingSigned(Conflict):
    """No entry of the stay is signed yet, so there is nothing to assemble."""

    slug = "nothing-signed"


class NoSuchAssembly(NotFound):
    slug = "no-such-assembly"


async def write_entry(
    services: Services, command: WriteEntry, *, actor: Actor, now: Instant, settings: EmrSettings
) -> SheetView:
    """Write an entry and finish it: it waits for its writer's signature, by itself or with many in one approval.

    What is wrong in it leaves nothing behind. Raises NoSuchStay, NotTheWriter, InvalidSheet, and the refusals of access.
    """
    async with services.sessions.begin() as session:
        known = await session.get(Sheet, command.id)
        if known is not None and known.state != SheetState.DRAFT.value:
            return view_of(known, {})
        stay = await get_stay(session, command.stay_id)
        opening = OpenSheet(command.id, stay.visit_id, FORM)
        sheet = await open_sheet(session, opening, actor=actor, now=now, settings=settings)
        wrong = await _wrong(session, sheet, command.data, actor=actor, now=now)
        if wrong:
            raise InvalidSheet(wrong)
    return await complete_sheet(services, command.id, CompleteSheet(), actor=actor, now=now)


async def _wrong(
    session: AsyncSession, sheet: SheetView, data: dict[str, str], *, actor: Actor, now: Instant
) -> dict[str, str]:
    saved = await save_draft(session, SaveDraft(sheet.id, sheet.revision, data), actor=actor, now=now)
    values, errors = check(form_of(saved), saved.stage, saved.data)
    return errors | together(FORM, values, today=local_day(now), age_months=0)


async def entries_of(session: AsyncSession, stay_id: UUID, *, actor: Actor, now: Instant) -> list[EntryLine]:
    """Return a stay's entries by their clinical time, replaced and given-up ones left out, and audit the look.

    Raises NoSuchStay and the refusals of access.
    """
    stay = await get_stay(session, stay_id)
    await require_care(session, actor, stay.visit_id, now=now, form_code=FORM)
    await record(session, Entry(Action.VIEW, f"emr.stay:{stay_id}", stay.patient_id), actor)
    return [_line(sheet, actor) for sheet in await _sheets(session, stay.visit_id)]


async def _sheets(session: AsyncSession, visit_id: UUID) -> list[Sheet]:
    rows = (
        await session.scalars(
            select(Sheet).where(Sheet.visit_id == visit_id, Sheet.form_code == FORM, Sheet.state.in_(_LIVE))
        )
    ).all()
    replaced = {row.supersedes for row in rows if row.state == SheetState.SIGNED.value}
    return sorted(
        (row for row in rows if row.id not in replaced),
        key=lambda row: (str(row.data.get("thoi_gian") or ""), row.opened_at),
    )


def _line(sheet: Sheet, actor: Actor) -> EntryLine:
    return EntryLine(
        sheet_id=sheet.id,
        document_id=sheet.document_id,
        state=SheetState(sheet.state),
        at=str(sheet.data.get("thoi_gian") or ""),
        writer=sheet.completed_name or sheet.opened_name,
        values=sheet.data,
        code=sheet.code,
        refused_reason=sheet.refused_reason,
        version=sheet.version,
        mine=sheet.opened_by == actor.id,
    )


async def assemble(services: Services, stay_id: UUID, *, actor: Actor, now: Instant) -> DocumentView:
    """Assemble the signed entries into one treatment sheet: each attached byte for byte, each named on its row.

    The facility seals the assembly; a later one replaces it. Raises NoSuchStay, NothingSigned, refusals of access.
    """
    kernel = services.settings.kernel
    async with services.sessions.begin() as session:
        stay = await get_stay(session, stay_id)
        await require_care(session, actor, stay.visit_id, now=now, form_code=FORM)
        patient = await get_patient(session, stay.patient_id)
        department = await get_department(session, stay.department)
        found = [row for row in await _sheets(session, stay.visit_id) if row.state == SheetState.SIGNED.value]
        documents = {row.id: await get_document(session, row.document_id) for row in found if row.document_id}
    if not documents:
        raise NothingSigned("Chưa có diễn biến nào được ký. Ký các diễn biến trước khi lập tờ điều trị.")
    entries = tuple(
        [
            _assembled(row, documents[row.id], await services.objects.get(documents[row.id].head_sha256))
            for row in found
        ]
    )
    code = new_code()
    paper = Assembly(
        entries=entries,
        facility=kernel.facility,
        department=department.name,
        patient=patient,
        stay_number=stay.number,
        bed=stay.bed or "",
        person=f"{actor.title} {actor.name}".strip(),
        at=now,
        code=code,
        verify_url=verify_url(kernel.base_url, code),
        stamp="BẢN CHẠY THỬ" if kernel.demo else "",
    )
    pdf = await services.cpu.run(render_assembly, paper)
    sha256 = await services.objects.put(pdf)
    async with services.sessions.begin() as session:
        return await _prepare(session, stay_id, paper, sha256, page_count(pdf), actor=actor, now=now)


def _assembled(sheet: Sheet, document: DocumentView, pdf: bytes) -> AssembledEntry:
    return AssembledEntry(
        at=str(sheet.data.get("thoi_gian") or ""),
        values={key: str(sheet.data.get(key) or "") for key in ("s", "o", "a", "p", "chi_dinh", "chan_doan")},
        signer=sheet.completed_name,
        signed_at=document.completed_at or sheet.signed_at,
        code=document.code,
        sha256=document.head_sha256,
        pdf=pdf,
    )


async def _prepare(
    session: AsyncSession,
    stay_id: UUID,
    paper: Assembly,
    sha256: str,
    pages: int,
    *,
    actor: Actor,
    now: Instant,
) -> DocumentView:
    before = [
        one for one in await assemblies_of(session, stay_id) if one.state is not DocumentState.SUPERSEDED
    ]
    document = NewDocument(
        id=new_id(),
        kind=KIND,
        title=f"Tờ điều trị {paper.stay_number}: {len(paper.entries)} diễn biến",
        subject=f"emr.treatment:{stay_id}",
        patient_id=paper.patient.id,
        patient_name=paper.patient.name,
        author_id=actor.id,
        sha256=sha256,
        pages=pages,
        slots=[SLOT],
        supersedes=before[0].id if before else None,
        code=paper.code,
    )
    view = await prepare_document(session, document, now=now)
    detail = {"document": str(document.id), "entries": len(paper.entries), "sha256": sha256}
    await record(session, Entry(Action.CREATE, document.subject, paper.patient.id, detail=detail), actor)
    return view


async def assemblies_of(session: AsyncSession, stay_id: UUID) -> list[DocumentView]:
    """Return the assembled treatment sheets of a stay, the latest first."""
    return await documents_of_subject(session, f"emr.treatment:{stay_id}")


async def assembly_file(services: Services, stay_id: UUID, *, actor: Actor, now: Instant) -> bytes:
    """Return the latest assembled sheet as it stands, and record that it was seen. Raises NoSuchAssembly."""
    async with services.sessions.begin() as session:
        stay = await get_stay(session, stay_id)
        await require_care(session, actor, stay.visit_id, now=now, form_code=FORM)
        found = await assemblies_of(session, stay_id)
        if not found:
            raise NoSuchAssembly("Chưa lập tờ điều trị cho đợt này.")
        await record(session, Entry(Action.VIEW, f"emr.treatment:{stay_id}", stay.patient_id), actor)
    return await services.objects.get(found[0].head_sha256)
