"""Finish a sheet: check it, render it once, keep the bytes, hand them to signing, lock it.

Rendering happens between two transactions; the second one holds only if the draft is still the one that was checked.
"""

from datetime import date
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.care_teams.service import require_care
from emr.settings import EmrSettings
from emr.sheets.check import Errors, Values, check, empty_value
from emr.sheets.children import children_of
from emr.sheets.context import Chart, facts_of, read_chart
from emr.sheets.diagnoses import judge_diagnoses
from emr.sheets.form import Form, SlotDefinition
from emr.sheets.models import Sheet, SheetOrder
from emr.sheets.paper import Issuer, SheetPaper, canonical_record, render_sheet
from emr.sheets.rules import SheetState, together
from emr.sheets.service import (
    InvalidSheet,
    NoSuchSheet,
    StaleDraft,
    form_of,
    full_name,
    keep_diagnoses,
    lock_draft,
    note_look,
    require_revision,
    require_writer,
    title_of,
    view_of,
)
from emr.sheets.views import CompleteSheet, SheetView
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, format_instant
from kernel.facility import Facility
from kernel.ids import new_id
from kernel.paper.render import page_count
from kernel.paper.verify import verify_url
from kernel.services import Services
from kernel.settings import KernelSettings
from kernel.staff.api import Actor
from signing.api import NewDocument, NewSlot, best_sha256, prepare_document


class Plan(Struct, frozen=True):
    """A checked draft on its way to paper."""

    sheet_id: UUID
    revision: int
    values: Values
    order_ids: list[UUID]
    title: str
    paper: SheetPaper
    department: str
    patient_name: str
    patient_born: date
    patient_number: str


async def complete_sheet(
    services: Services, sheet_id: UUID, command: CompleteSheet, *, actor: Actor, now: Instant
) -> SheetView:
    """Complete a draft: from here on it and its children are locked, and its signers find it in their inbox.

    Raises NoSuchSheet, SheetLocked, StaleDraft, NotTheWriter, InvalidSheet with the errors by field.
    """
    async with services.sessions.begin() as session:
        plan = await plan_completion(
            session,
            sheet_id,
            command,
            actor=actor,
            now=now,
            kernel=services.settings.kernel,
            settings=services.settings.emr,
        )
    pdf = await services.cpu.run(render_sheet, plan.paper)
    sha256 = await services.objects.put(pdf)
    async with services.sessions.begin() as session:
        return await _seal(
            session,
            plan,
            sha256=sha256,
            pages=page_count(pdf),
            actor=actor,
            now=now,
            settings=services.settings.emr,
        )


async def preview_sheet(services: Services, sheet_id: UUID, *, actor: Actor, now: Instant) -> bytes:
    """Return the paper of a sheet and record the look.

    Of a draft: as it would be signed now, marked BẢN NHÁP while something in it must still be mended. Of a finished
    sheet: its document as it stands. Raises NoSuchSheet.
    """
    async with services.sessions.begin() as session:
        sheet = await session.get(Sheet, sheet_id)
        if sheet is None:
            raise NoSuchSheet("Không có phiếu này.")
        await note_look(session, f"emr.sheet:{sheet.id}", sheet, actor=actor, now=now)
        if sheet.document_id is not None:
            return await services.objects.get(await best_sha256(session, sheet.document_id))
        plan = await plan_completion(
            session,
            sheet_id,
            CompleteSheet(),
            actor=actor,
            now=now,
            kernel=services.settings.kernel,
            settings=services.settings.emr,
            strict=False,
        )
    return await services.cpu.run(render_sheet, plan.paper)


async def paper_of_document(
    services: Services, document_id: UUID, *, actor: Actor, now: Instant, printed: bool = False
) -> bytes:
    """Return a sheet's document as it stands, and record that it was seen or printed. Raises NoSuchSheet."""
    async with services.sessions.begin() as session:
        sheet = await session.scalar(select(Sheet).where(Sheet.document_id == document_id))
        if sheet is None:
            raise NoSuchSheet("Không có văn bản này.")
        sha256 = await best_sha256(session, document_id)
        action = Action.PRINT if printed else Action.VIEW
        subject, document = f"emr.sheet:{sheet.id}", str(document_id)
        await note_look(session, subject, sheet, actor=actor, now=now, action=action, document=document)
    return await services.objects.get(sha256)


async def plan_completion(
    session: AsyncSession,
    sheet_id: UUID,
    command: CompleteSheet,
    *,
    actor: Actor,
    now: Instant,
    kernel: KernelSettings,
    settings: EmrSettings,
    strict: bool = True,
) -> Plan:
    """Check a draft and say what its paper holds; writes nothing.

    Not `strict`: a preview of what is there, blank where something is wrong or missing.
    """
    sheet = await lock_draft(session, sheet_id)
    form = form_of(sheet)
    if strict:
        require_writer(form, actor)
        await require_care(session, actor, sheet.visit_id, now=now)
    if command.revision is not None:
        require_revision(sheet, command.revision)
    chart = await read_chart(session, sheet.visit_id, sheet_id=sheet.id, now=now)
    values, errors = await _judge(
        session, sheet, form, chart, actor=actor, settings=settings, facility=kernel.facility
    )
    if errors and strict:
        raise InvalidSheet(errors)
    paper = await _paper(session, sheet, form, chart, values, actor=actor, now=now, kernel=kernel)
    return Plan(
        sheet_id=sheet.id,
        revision=sheet.revision,
        values=values,
        order_ids=[order.id for order in chart.orders] if "chi_dinh" in values else [],
        title=title_of(form, sheet.stage),
        paper=paper if not errors else replace(paper, stamp="BẢN NHÁP"),
        department=chart.visit.department,
        patient_name=chart.patient.name,
        patient_born=chart.patient.birth_date,
        patient_number=chart.patient.citizen_id or chart.patient.passport_no or "",
    )


async def _judge(
    session: AsyncSession,
    sheet: Sheet,
    form: Form,
    chart: Chart,
    *,
    actor: Actor,
    settings: EmrSettings,
    facility: Facility,
) -> tuple[Values, Errors]:
    """Return every field's value, completed from catalogues and the chart, and what is wrong by field."""
    values, errors = check(form, sheet.stage, sheet.data)
    errors |= together(form.code, values, today=chart.day, age_months=chart.months)
    errors |= await judge_diagnoses(session, form, sheet.stage, values, sex=chart.patient.sex)
    facts = facts_of(chart)
    part = children_of(form.code)
    if part is not None and not errors:
        values, wrong, more = await part.judge(
            session, chart, values, actor=actor, settings=settings, facility=facility
        )
        errors |= wrong
        facts |= more
    fields = form.fields_of(sheet.stage)
    given = {field.key: facts.get(field.given, "") for field in fields if field.given}
    errors |= _missing_facts(form, given)
    return {field.key: empty_value(field) for field in fields} | values | given, errors


def _missing_facts(form: Form, given: Values) -> Errors:
    """Return what the chart must hold before this form can be finished."""
    if form.code == "PCD" and not given.get("chi_dinh"):
        return {"chi_dinh": "Chưa có chỉ định nào cần in. Chỉ định dịch vụ trước."}
    return {}


async def _paper(
    session: AsyncSession,
    sheet: Sheet,
    form: Form,
    chart: Chart,
    values: Values,
    *,
    actor: Actor,
    now: Instant,
    kernel: KernelSettings,
) -> SheetPaper:
    facility, person = kernel.facility, full_name(actor)
    facts = facts_of(chart)
    return SheetPaper(
        form=form,
        stage=sheet.stage,
        values=values,
        issuer=Issuer(
            authority=facility.governing_body,
            facility=facility.name,
            unit=chart.department,
            address=facility.address,
            phone=facility.phone,
        ),
        marks=_marks(form, chart),
        barcode=facts.get(form.barcode, "") if form.barcode else "",
        person=person,
        patient=chart.patient_line,
        at=now,
        code=sheet.code,
        verify_url=verify_url(kernel.base_url, sheet.code),
        record=_record(sheet, chart, values, facility, actor=actor, now=now),
        event=format_instant(sheet.event_at) if sheet.event_at else "",
        supersedes=await _replaces(session, sheet),
        stamp="BẢN CHẠY THỬ" if kernel.demo else "",
    )


def _marks(form: Form, chart: Chart) -> tuple[str, ...]:
    """Return the right side of the head: form number and the numbers of the record."""
    number = chart.stay.number if chart.stay else chart.visit.number
    marks = [f"MS: {form.printed_code}"] if form.printed_code else []
    if form.group == "BENH_AN":
        return (*marks, f"Số ngoại trú: {number}", "Số lưu trữ: ..................")
    if form.code == "GRV":
        return (*marks, f"Số: {chart.visit.episode_code}", f"Số hồ sơ: {number}")
    return (*marks, f"Số: {chart.visit.number}")


def _record(
    sheet: Sheet, chart: Chart, values: Values, facility: Facility, *, actor: Actor, now: Instant
) -> bytes:
    """Return the canonical JSON: what a machine needs to read the sheet without us."""
    content: dict[str, Any] = {
        "schema": "lanh.sheet/1",
        "form": {"code": sheet.form_code, "validFrom": sheet.form_valid_from, "stage": sheet.stage},
        "sheet": {
            "id": sheet.id,
            "code": sheet.code,
            "version": sheet.version,
            "supersedes": sheet.supersedes,
            "reason": sheet.reason,
        },
        "facility": {"code": facility.code, "name": facility.name},
        "patient": {
            "code": chart.patient.code,
            "name": chart.patient.name,
            "birthDate": chart.patient.birth_date,
            "sex": chart.patient.sex,
            "citizenId": chart.patient.citizen_id,
        },
        "visit": {
            "number": chart.visit.number,
            "episode": chart.visit.episode_code,
            "openedAt": chart.visit.opened_at,
        },
        "author": {"id": actor.id, "name": actor.name, "title": actor.title},
        "eventAt": sheet.event_at,
        "recordedAt": now,
        "fields": values,
    }
    return canonical_record(content)


async def _replaces(session: AsyncSession, sheet: Sheet) -> str:
    if sheet.supersedes is None:
        return ""
    old = await session.get_one(Sheet, sheet.supersedes)
    return (
        f"Bản bổ sung lần {sheet.version - 1}, thay bản mã {old.code} "
        f"lập lúc {format_instant(old.completed_at or old.opened_at)}. Lý do: {sheet.reason}"
    )


async def _seal(
    session: AsyncSession,
    plan: Plan,
    *,
    sha256: str,
    pages: int,
    actor: Actor,
    now: Instant,
    settings: EmrSettings,
) -> SheetView:
    """Lock the draft as it was checked and take its file into signing. Raises StaleDraft, SheetLocked."""
    sheet = await lock_draft(session, plan.sheet_id)
    if sheet.revision != plan.revision:
        raise StaleDraft("Phiếu vừa được sửa trong lúc hoàn tất. Xem lại rồi hoàn tất lần nữa.")
    form = form_of(sheet)
    await keep_diagnoses(session, sheet, plan.values)
    await session.execute(delete(SheetOrder).where(SheetOrder.sheet_id == sheet.id))
    if plan.order_ids:
        links = [{"sheet_id": sheet.id, "order_id": order_id} for order_id in plan.order_ids]
        await session.execute(insert(SheetOrder), links)
    if part := children_of(form.code):
        await part.keep(session, sheet, plan.values, settings=settings, now=now)
    document_id = new_id()
    sheet.data = plan.values
    sheet.state = SheetState.COMPLETED.value
    sheet.completed_at, sheet.completed_by, sheet.completed_name = now, actor.id, full_name(actor)
    sheet.document_id, sheet.sha256, sheet.pages = document_id, sha256, pages
    await session.flush()
    old = await session.get(Sheet, sheet.supersedes) if sheet.supersedes else None
    supersedes = old.document_id if old else None
    document = _document(sheet, form, plan, document_id, actor=actor, supersedes=supersedes)
    await prepare_document(session, document, now=now)
    detail = {"completed": True, "sha256": sha256, "document": str(document_id)}
    await record(
        session, Entry(Action.CHANGE, f"emr.sheet:{sheet.id}", sheet.patient_id, detail=detail), actor
    )
    return view_of(sheet, {})


def _document(
    sheet: Sheet, form: Form, plan: Plan, document_id: UUID, *, actor: Actor, supersedes: UUID | None
) -> NewDocument:
    assert sheet.sha256 is not None
    return NewDocument(
        id=document_id,
        kind=form.code,
        title=plan.title,
        subject=f"emr.sheet:{sheet.id}",
        patient_id=sheet.patient_id,
        patient_name=plan.patient_name,
        patient_born=plan.patient_born,
        patient_number=plan.patient_number,
        author_id=actor.id,
        sha256=sheet.sha256,
        pages=sheet.pages,
        slots=[_slot(slot, actor, plan.department) for slot in form.stage(sheet.stage).slots],
        supersedes=supersedes,
        code=sheet.code,
    )


def _slot(slot: SlotDefinition, actor: Actor, department: str) -> NewSlot:
    """Say who owes a signature: author, patient, seal, or a role (the director's of the house, others' of the department)."""
    label = slot.role.capitalize() if slot.role.isupper() else slot.role
    if slot.owner == "author":
        return NewSlot(field=slot.field, label=label, owner_staff_id=actor.id)
    if slot.owner == "patient":
        return NewSlot(field=slot.field, label=label, patient=True)
    if slot.owner == "organisation":
        return NewSlot(field=slot.field, label=label, organisation=True)
    role = slot.owner.removeprefix("role:")
    return NewSlot(
        field=slot.field, label=label, owner_role=role, department=None if role == "director" else department
    )
