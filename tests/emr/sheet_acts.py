"""What tests do with sheets: write, complete, sign."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.models import DrugItem
from emr.settings import EmrSettings
from emr.sheets.completion import complete_sheet
from emr.sheets.handlers import mark_sheet_signed
from emr.sheets.service import get_sheet, open_sheet, save_draft
from emr.sheets.views import CompleteSheet, OpenSheet, SaveDraft, SheetView
from kernel.ids import new_id
from kernel.outbox.api import Job
from kernel.services import Services
from kernel.staff.api import Actor
from kernel.staff.models import StaffAccount
from kernel.text import fold
from signing.events import DocumentSigned
from tests.emr.builders import DOCTOR, LATER, NOW, a_visit
from tests.emr.forms import DAY, answers, the_form

SETTINGS = EmrSettings()
FUTURE = (DAY + timedelta(days=14)).isoformat()
DRUGS = [
    ("T001", "Amoxivd", "Amoxicilin", "500 mg", "viên nang", "viên", "uống", ""),
    ("T002", "Paracetamol", "Paracetamol", "500 mg", "viên nén", "viên", "uống", ""),
    ("T900", "Morphin", "Morphin", "10 mg", "viên nén", "viên", "uống", "N"),
]


async def an_account(session: AsyncSession, actor: Actor, *, licence: str | None = "000001/VD-GPHN") -> None:
    """The account behind an actor of the builders."""
    await session.execute(
        insert(StaffAccount).values(
            id=actor.id,
            username="u" + actor.id.hex[-12:],
            name=actor.name,
            title=actor.title,
            department=actor.department,
            roles=sorted(actor.roles),
            practice_license=licence,
            password_hash="-",
            created_at=NOW,
        )
    )


async def some_drugs(session: AsyncSession) -> None:
    keys = ("code", "name", "inn", "strength", "form", "unit", "route", "control")
    rows = [dict(zip(keys, row, strict=True)) | {"key": fold(row[1]), "active": True} for row in DRUGS]
    await session.execute(insert(DrugItem), rows)


async def a_draft(session: AsyncSession, code: str = "PKB", **more: Any) -> SheetView:
    """A draft with every field answered, of a new visit unless `visit_id` names one."""
    actor: Actor = more.pop("actor", DOCTOR)
    data: dict[str, Any] | None = more.pop("data", None)
    visit_id = more.pop("visit_id", None) or (await a_visit(session)).id
    settings = more.pop("settings", SETTINGS)
    command = OpenSheet(new_id(), visit_id, code, **more)
    sheet = await open_sheet(session, command, actor=actor, now=NOW, settings=settings)
    filled = answers(code, command.stage) if data is None else data
    if "hen_ngay" in filled:
        filled["hen_ngay"] = FUTURE
    if "nghi_loai" in filled:
        filled |= {"so_ngay_nghi": "7"}
    return await save_draft(session, SaveDraft(sheet.id, sheet.revision, filled), actor=actor, now=NOW)


async def completed(services: Services, sheet: SheetView, actor: Actor = DOCTOR) -> SheetView:
    return await complete_sheet(services, sheet.id, CompleteSheet(sheet.revision), actor=actor, now=LATER)


async def signed(services: Services, sheet: SheetView) -> SheetView:
    """Tell the sheet that all its slots were signed, as signing does."""
    slots = the_form(sheet.form_code).stage(sheet.stage).slots
    for slot in slots:
        await sign_slot(services, sheet, slot.field, complete=slot is slots[-1])
    async with services.sessions.begin() as session:
        return await get_sheet(session, sheet.id, now=LATER)


async def sign_slot(services: Services, sheet: SheetView, slot: str, *, complete: bool) -> None:
    assert sheet.document_id is not None
    event = DocumentSigned(
        document_id=sheet.document_id,
        kind=sheet.form_code,
        subject=f"emr.sheet:{sheet.id}",
        slot=slot,
        signer_id=new_id(),
        complete=complete,
        sha256="ab" * 32,
        at=LATER,
    )
    async with services.sessions.begin() as session:
        job = Job("emr.mark_sheet_signed", 1, LATER, services, open_session=session)
        await mark_sheet_signed(job, event)


async def run(session: AsyncSession, statement: str, **values: object) -> int:
    """Run SQL as the application's role and return how many rows it touched."""
    result = await session.execute(text(statement), values)
    return int(result.rowcount)  # type: ignore[attr-defined]  # a CursorResult for DML


def uid(value: UUID | None) -> UUID:
    assert value is not None
    return value
