"""What the pages of a sheet show."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from emr.care_teams.service import require_care
from emr.episodes.service import look_at_visit, visit_header
from emr.episodes.views import VisitHeader
from emr.patients.rules import birth_text
from emr.settings import EmrSettings
from emr.sheets.check import Errors
from emr.sheets.context import PAYER_WORDS, SEX_WORDS
from emr.sheets.form import Field, Section, form_book
from emr.sheets.rules import LIVE, STATE_WORDS, SheetState
from emr.sheets.service import form_of, is_in_use, sheets_of_visit
from emr.sheets.views import SheetLine, SheetView
from kernel.clock import VN, Instant, format_instant, local_day, parse_day_typed
from kernel.ids import new_id
from kernel.staff.api import Actor, Role


class SheetPage(Struct, frozen=True):
    """A sheet as its page draws it."""

    id: UUID
    title: str
    state: str
    revision: int
    header: VisitHeader
    born: str
    sex: str
    payer: str
    allergies: list[str]
    sections: tuple[Section, ...]
    data: dict[str, Any]
    facts: dict[str, Any]
    errors: Errors
    error_title: str
    saved_words: str
    reason: str
    document_id: UUID | None
    pages: int
    editable: bool
    amendable: bool
    to_sign: bool
    next_id: UUID
    amend_reason: str
    refused_reason: str


async def sheet_page(
    session: AsyncSession,
    sheet: SheetView,
    *,
    errors: Errors | None = None,
    error_title: str = "Chưa hoàn tất được, hãy sửa:",
    data: dict[str, Any] | None = None,
    amend_reason: str = "",
) -> SheetPage:
    """Collect what a page shows. `data`: what was just typed, kept when it is refused."""
    header = await visit_header(session, sheet.visit_id)
    return SheetPage(
        id=sheet.id,
        title=sheet.title,
        state=state_word(sheet),
        revision=sheet.revision,
        header=header,
        born=birth_text(header.birth_date, header.birth_precision),
        sex=SEX_WORDS[header.sex],
        payer=PAYER_WORDS[header.payer],
        allergies=[part.strip() for part in header.allergies.split(",") if part.strip()],
        sections=form_of(sheet).sections_of(sheet.stage),
        data=sheet.data if data is None else data,
        facts=sheet.facts,
        errors=errors or {},
        error_title=error_title,
        saved_words=_saved_words(sheet),
        reason=sheet.reason,
        document_id=sheet.document_id,
        pages=sheet.pages,
        editable=sheet.state is SheetState.DRAFT,
        amendable=sheet.state in (SheetState.COMPLETED, SheetState.SIGNED),
        to_sign=sheet.state is SheetState.COMPLETED and not sheet.refused_reason,
        next_id=new_id(),
        amend_reason=amend_reason,
        refused_reason=sheet.refused_reason,
    )


async def visit_context(
    session: AsyncSession, visit_id: UUID, *, actor: Actor, now: Instant, settings: EmrSettings
) -> dict[str, Any]:
    """Return what the list of a visit's sheets shows, and record the look. Raises NoSuchVisit."""
    broken = await require_care(session, actor, visit_id, now=now)
    detail = {"emergency": str(broken)} if broken else {}
    header = await look_at_visit(session, visit_id, actor=actor, **detail)
    lines = await sheets_of_visit(session, visit_id)
    there = {(line.form_code, line.stage) for line in lines if line.state in LIVE}
    in_use = [form for form in form_book().on(local_day(header.opened_at)) if is_in_use(form, settings)]
    return {
        "header": header,
        "born": birth_text(header.birth_date, header.birth_precision),
        "sex": SEX_WORDS[header.sex],
        "payer": PAYER_WORDS[header.payer],
        "allergies": [part.strip() for part in header.allergies.split(",") if part.strip()],
        "lines": lines,
        "forms": [
            (form, stage)
            for form in in_use
            for stage in form.stages
            if actor.has(*(Role(role) for role in form.writers))
            and not (form.once and (form.code, stage.code) in there)
        ],
        "word": state_word,
    }


def state_word(sheet: SheetLine) -> str:
    """Say the state as every screen does."""
    refused = sheet.state is SheetState.COMPLETED and sheet.refused_reason
    return "Từ chối ký" if refused else STATE_WORDS[sheet.state]


def _saved_words(sheet: SheetView) -> str:
    if sheet.signed_at:
        return f"Đã ký {format_instant(sheet.signed_at)}"
    if sheet.completed_at:
        return f"Hoàn tất {format_instant(sheet.completed_at)} bởi {sheet.completed_name}"
    return f"Đã lưu {format_instant(sheet.saved_at)}"


def pairs(field: Field) -> list[tuple[str, str]]:
    """Return the options of a choice as the form components take them."""
    return [(option.code, option.label) for option in field.options]


def typed_day(_: Field, value: Any) -> str:
    """Return a day as people type it, whatever form it is kept in."""
    try:
        day = parse_day_typed(str(value)) if value else None
    except ValueError:
        return str(value)
    return f"{day:%d/%m/%Y}" if day else ""


def typed_moment(value: Any) -> str:
    """Return a moment as people type it; what can't be read stays as it was typed."""
    try:
        return f"{datetime.fromisoformat(value).astimezone(VN):%d/%m/%Y %H:%M}" if value else ""
    except ValueError:
        return str(value)
