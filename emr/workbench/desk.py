"""One visit on the doctor's desk: show it, keep its drafts, see what is missing."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import Payer, VisitHeader, VisitState, VisitView, get_visit, patient_history, visit_header
from emr.care_teams.service import require_care
from emr.patients.rules import birth_text
from emr.settings import EmrSettings
from emr.sheets.check import check, unflatten
from emr.sheets.form import Form, form_book
from emr.sheets.models import Sheet
from emr.sheets.rules import STATE_WORDS, SheetState
from emr.sheets.service import (
    cancel_draft,
    form_of,
    get_sheet,
    open_sheet,
    save_draft,
    sheets_of_visit,
)
from emr.sheets.views import OpenSheet, SaveDraft, SheetLine, SheetView
from emr.workbench.orders import order_rows, unpaid_note
from emr.workbench.queue import SEX_WORDS
from emr.workbench.rules import (
    APPOINTMENT,
    FORMS,
    NOTE,
    PRESCRIPTION,
    Data,
    Pairs,
    appointment_data,
    diagnoses_of,
    diagnoses_of_note,
    note_data,
    page_fields,
    prescription_data,
    split_by_form,
)
from emr.workbench.views import DeskPage, DocumentRow, Notice
from insurance.api import shipped
from kernel.clock import Instant, format_day, format_instant, local, local_day
from kernel.ids import new_id
from kernel.staff.api import Actor

PAYER_WORDS = {
    Payer.BHYT: "BHYT",
    Payer.SELF_PAY: "Viện phí",
    Payer.ON_DEMAND: "Theo yêu cầu",
    Payer.FOREIGNER: "Người nước ngoài",
}
Lines = dict[str, SheetLine]


class Saved(Struct, frozen=True):
    """What an autosave tells the page."""

    revisions: dict[str, int]
    saved_at: str
    errors: dict[str, str]


def banner_facts(header: VisitHeader, earlier: int) -> list[tuple[str, str]]:
    """Say who pays and which visit this is; `earlier` visits came before it."""
    card = header.insurance
    if header.payer is Payer.BHYT and card:
        level = card_percent(card.benefit_level)
        until = f"đến {format_day(card.valid_to)}" if card.valid_to else "chưa rõ hạn"
        payer = ("BHYT", " · ".join(part for part in (level, until) if part))
    else:
        payer = ("Đối tượng", PAYER_WORDS[header.payer])
    return [payer, ("Lượt khám", f"Khám lại · lần {earlier + 1}" if earlier else "Khám lần đầu")]


def card_percent(level: str) -> str:
    """Say the benefit level (mức hưởng) of a card as a reminder; the bill computes what is paid."""
    return f"{shipped().level(int(level)).rate:.0f} %" if level else ""


async def live_sheets(session: AsyncSession, visit_id: UUID) -> Lines:
    """Return the newest sheet of each form of a visit that was neither given up nor replaced."""
    gone = (SheetState.CANCELLED, SheetState.SUPERSEDED)
    found: Lines = {}
    for line in await sheets_of_visit(session, visit_id):  # The latest first.
        if line.state not in gone:
            found.setdefault(line.form_code, line)
    return found


async def open_desk(
    session: AsyncSession, visit_id: UUID, *, actor: Actor, now: Instant, settings: EmrSettings
) -> DeskPage:
    """Return the visit as the doctor sees it; the first look after the start begins the note.

    Raises NoSuchVisit, NotTheWriter, NotYourPatient.
    """
    await require_care(session, actor, visit_id, now=now)
    header, visit = await visit_header(session, visit_id), await get_visit(session, visit_id)
    lines = await live_sheets(session, visit_id)
    if NOTE not in lines and header.visit_state is VisitState.IN_PROGRESS:
        command = OpenSheet(id=new_id(), visit_id=visit_id, form_code=NOTE)
        lines[NOTE] = await open_sheet(session, command, actor=actor, now=now, settings=settings)
    drafts = {
        code: await get_sheet(session, line.id, now=now)
        for code, line in lines.items()
        if code in FORMS and line.state is SheetState.DRAFT
    }
    return await _page(session, header, visit, lines, drafts)


async def _page(
    session: AsyncSession,
    header: VisitHeader,
    visit: VisitView,
    lines: Lines,
    drafts: Mapping[str, SheetView],
) -> DeskPage:
    orders = await order_rows(session, header.visit_id)
    history = await patient_history(session, header.patient_id)
    earlier = sum(1 for one in history if one.opened_at < header.opened_at)
    note = drafts[NOTE].data if NOTE in drafts else {}
    phase = _phase(header.visit_state, lines)
    saved = max((draft.saved_at for draft in drafts.values()), default=None)
    return DeskPage(
        header=header,
        born=birth_text(header.birth_date, header.birth_precision),
        sex=SEX_WORDS[header.sex],
        allergies=[part.strip() for part in header.allergies.split(",") if part.strip()],
        facts=banner_facts(header, earlier),
        state=STATE_WORDS[lines[NOTE].state] if NOTE in lines else "Chưa lập",
        phase=phase,
        notice=_notice(phase, visit),
        note={key: _shown(value) for key, value in note.items()},
        diagnoses=diagnoses_of_note(note),
        drugs=[_texts(row) for row in _data(drafts, PRESCRIPTION).get("thuoc") or []],
        appointment={key: _shown(value) for key, value in _data(drafts, APPOINTMENT).items()},
        revisions={code: draft.revision for code, draft in drafts.items()},
        orders=orders,
        has_results=any(row.result for row in orders),
        unpaid_note=unpaid_note(orders),
        saved_words=f"Đã lưu {local(saved):%H:%M:%S}" if saved else "",
        ended_words=f"Kết thúc khám {format_instant(visit.ended_at)}" if visit.ended_at else "",
        documents=[
            DocumentRow(
                title=line.title,
                state=STATE_WORDS[line.state],
                url=f"/sign/{line.document_id}/file.pdf",
                sheet_url=f"/sheets/{line.id}",
            )
            for line in sorted(lines.values(), key=lambda line: line.opened_at)
            if line.state is not SheetState.DRAFT
        ],
    )


def _phase(state: VisitState, lines: Lines) -> str:
    if state is VisitState.WAITING:
        return "waiting"
    if state is not VisitState.IN_PROGRESS:
        return "closed"
    note = lines.get(NOTE)
    return "writing" if note is None or note.state is SheetState.DRAFT else "signing"


def _notice(phase: str, visit: VisitView) -> Notice | None:
    if phase == "waiting":
        return Notice("info", "Chưa bắt đầu khám.", "Bấm Bắt đầu khám khi người bệnh đã vào phòng.")
    if phase == "signing":
        return Notice("warn", "Phiếu khám chờ ký.", "Nội dung đã khoá. Ký để kết thúc lượt khám.")
    if visit.state is VisitState.CANCELLED:
        return Notice("warn", "Lượt khám đã huỷ.", "Không lập thêm phiếu cho lượt này.")
    return None


def _data(drafts: Mapping[str, SheetView], form: str) -> Data:
    return drafts[form].data if form in drafts else {}


def _shown(value: Any) -> Any:
    """Show a draft's value as it was typed; a number's point is a comma here."""
    if isinstance(value, float):
        return f"{value:g}".replace(".", ",")
    return "" if value is None else value


def _texts(row: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(_shown(value)) for key, value in row.items()}


async def keep_drafts(
    session: AsyncSession,
    visit_id: UUID,
    pairs: Pairs,
    *,
    actor: Actor,
    now: Instant,
    settings: EmrSettings,
) -> Saved:
    """Save the page into its sheets; one with nothing to say is not begun, and given up when emptied.

    Raises NoSuchVisit, SheetLocked, StaleDraft, InvalidSheet.
    """
    parts = split_by_form(pairs)
    seen = {form: int(text) for form, text in parts.get("revision", []) if text.isdigit()}
    header = await visit_header(session, visit_id)
    lines = await live_sheets(session, visit_id)
    revisions: dict[str, int] = {}
    errors: dict[str, str] = {}
    for code in FORMS:
        line = lines.get(code)
        written = _written(code, form_on(code, header), parts)
        if written is None:
            if line is not None and line.state is SheetState.DRAFT:
                await cancel_draft(session, line.id, actor=actor, now=now)
            continue
        begun = line is None
        if line is None:
            command = OpenSheet(id=new_id(), visit_id=visit_id, form_code=code)
            line = await open_sheet(session, command, actor=actor, now=now, settings=settings)
        sheet = await session.get_one(Sheet, line.id)
        # An answer that was lost left the page without the number of a sheet this person began.
        mine = begun or (code not in seen and sheet.saved_by == actor.id)
        revision = sheet.revision if mine else seen.get(code, 0)
        saving = SaveDraft(sheet_id=line.id, revision=revision, data={**sheet.data, **written})
        view = await save_draft(session, saving, actor=actor, now=now)
        revisions[f"revision:{code}"] = view.revision
        errors |= page_fields(wrong_values(form_of(view), view.data), code)
    return Saved(revisions=revisions, saved_at=f"{local(now):%H:%M:%S}", errors=errors)


def form_on(code: str, header: VisitHeader) -> Form:
    """Return the form in force on the day of the visit."""
    form = form_book().find(code, local_day(header.opened_at))
    assert form is not None, f"{code} has no version on the day of the visit"
    return form


def _written(code: str, form: Form, parts: Mapping[str, list[tuple[str, str]]]) -> Data | None:
    """Return what the page says for one sheet, None when it says nothing."""
    diagnoses = diagnoses_of(parts.get("", []))
    data = unflatten(form, "A", parts.get(code, []))
    match code:
        case "PKB":
            return note_data(data, diagnoses)
        case "DT-C":
            return prescription_data(data, diagnoses)
        case _:
            return appointment_data(data, diagnoses)


def wrong_values(form: Form, data: Data) -> dict[str, str]:
    """Return what is wrong in a draft, leaving out what is merely not written yet."""
    _, errors = check(form, "A", data)
    return {field: text for field, text in errors.items() if "Cần ghi:" not in text}


async def missing(session: AsyncSession, visit_id: UUID) -> list[tuple[str, str]]:
    """Return what keeps the drafts of a visit from being signed: field of the page and words."""
    lines = await live_sheets(session, visit_id)
    drafts = {code: line for code, line in lines.items() if line.state is SheetState.DRAFT}
    found: dict[str, str] = {}
    note: Data = {}
    for code in FORMS:
        if code in drafts:
            sheet = await session.get_one(Sheet, drafts[code].id)
            note = sheet.data if code == NOTE else note
            _, errors = check(form_of(sheet), "A", sheet.data)
            found |= page_fields(errors, code)
    if note.get("huong_giai_quyet") == "3" and APPOINTMENT not in lines:
        found["PHK:hen_ngay"] = "Hẹn khám lại cần có ngày hẹn."
    if note.get("huong_giai_quyet") == "2" and PRESCRIPTION not in lines:
        found["rx-pick-text"] = "Kê đơn ngoại trú cần ít nhất một thuốc."
    return list(found.items())
