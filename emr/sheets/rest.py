"""Sheets and forms over HTTP for programs."""

from typing import Any
from uuid import UUID

from litestar import Controller, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from emr.care_teams.service import NotYourPatient, require_care
from emr.episodes.service import NoSuchVisit
from emr.once import IdReused
from emr.settings import EmrSettings
from emr.sheets.completion import complete_sheet
from emr.sheets.form import Form, form_book
from emr.sheets.lists import diagnoses_of_visit
from emr.sheets.service import (
    FormNotInUse,
    InvalidSheet,
    NoSuchForm,
    NoSuchSheet,
    NotTheWriter,
    SheetLocked,
    SheetNotOpened,
    StaleDraft,
    amend_sheet,
    cancel_draft,
    is_in_use,
    open_sheet,
    read_sheet,
    save_draft,
    sheets_of_visit,
)
from emr.sheets.views import (
    AmendSheet,
    CompleteSheet,
    DiagnosisView,
    OpenSheet,
    SaveDraft,
    SheetLine,
    SheetView,
)
from kernel.clock import local_day, utc_now
from kernel.refusals import told
from kernel.services import Services
from kernel.staff.api import Actor, Role, needs

READERS = needs(
    Role.DOCTOR,
    Role.NURSE,
    Role.HEAD,
    Role.DIRECTOR,
    Role.ARCHIVIST,
    Role.PHARMACIST,
    Role.INSURANCE,
    Role.LAB,
)
WRITERS = needs(Role.DOCTOR, Role.NURSE)
WRITING = (NoSuchSheet, NotYourPatient, SheetLocked, StaleDraft, NotTheWriter, InvalidSheet)


OPENING = told(NoSuchVisit, NoSuchForm, FormNotInUse, NotTheWriter, SheetNotOpened, IdReused)
AMENDING = told(NoSuchSheet, SheetNotOpened, NotTheWriter, IdReused)


class Draft(Struct, frozen=True, forbid_unknown_fields=True):
    """What is written so far, and the revision it was written on."""

    revision: int
    data: dict[str, Any]


class SheetController(Controller):
    path = "/api/sheets"
    guards = (READERS,)
    tags = ("sheets",)

    @post(operation_id="openSheet", guards=[WRITERS], responses=OPENING)
    async def open(
        self,
        data: JSONBody[OpenSheet],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        emr_settings: NamedDependency[EmrSettings],
    ) -> SheetView:
        """Begin a sheet (lập phiếu) with its proposals filled in."""
        return await open_sheet(session, data, actor=actor, now=utc_now(), settings=emr_settings)

    @get(operation_id="listSheets")
    async def of_visit(
        self,
        visit_id: FromQuery[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> list[SheetLine]:
        """List a visit's sheets, the latest first."""
        await require_care(session, actor, visit_id, now=utc_now())
        return await sheets_of_visit(session, visit_id)

    @get("/diagnoses", operation_id="listDiagnoses")
    async def diagnoses(
        self,
        visit_id: FromQuery[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> list[DiagnosisView]:
        """List what the visit's sheets state as diagnoses."""
        await require_care(session, actor, visit_id, now=utc_now())
        return await diagnoses_of_visit(session, visit_id)

    @get("/{sheet_id:uuid}", operation_id="getSheet", responses=told(NoSuchSheet, NotYourPatient))
    async def read(
        self,
        sheet_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> SheetView:
        """Return a sheet with its values."""
        return await read_sheet(session, sheet_id, actor=actor, now=utc_now())

    @put("/{sheet_id:uuid}/draft", operation_id="saveDraft", guards=[WRITERS], responses=told(*WRITING))
    async def save(
        self,
        sheet_id: FromPath[UUID],
        data: JSONBody[Draft],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> SheetView:
        """Save a draft; another revision than the latest is a conflict (lưu nháp)."""
        command = SaveDraft(sheet_id, data.revision, data.data)
        return await save_draft(session, command, actor=actor, now=utc_now())

    @post(
        "/{sheet_id:uuid}/completion",
        operation_id="completeSheet",
        guards=[WRITERS],
        responses=told(*WRITING),
    )
    async def complete(
        self,
        sheet_id: FromPath[UUID],
        data: JSONBody[CompleteSheet],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> SheetView:
        """Complete a draft: rendered once, locked, waiting for signatures (hoàn tất phiếu)."""
        return await complete_sheet(services, sheet_id, data, actor=actor, now=utc_now())

    @post("/{sheet_id:uuid}/amendments", operation_id="amendSheet", guards=[WRITERS], responses=AMENDING)
    async def amend(
        self,
        sheet_id: FromPath[UUID],
        data: JSONBody[AmendSheet],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> SheetView:
        """Begin the next version of a locked sheet (lập bản bổ sung)."""
        return await amend_sheet(session, sheet_id, data, actor=actor, now=utc_now())

    @post(
        "/{sheet_id:uuid}/cancellation",
        operation_id="cancelDraft",
        guards=[WRITERS],
        responses=told(*WRITING),
    )
    async def cancel(
        self,
        sheet_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> SheetView:
        """Give up a draft (hủy nháp)."""
        return await cancel_draft(session, sheet_id, actor=actor, now=utc_now())


class FormController(Controller):
    path = "/api/forms"
    guards = (READERS,)
    tags = ("sheets",)

    @get(operation_id="listForms", sync_to_thread=False)
    def list(self, emr_settings: NamedDependency[EmrSettings]) -> list[Form]:
        """List the forms in use today."""
        return [form for form in form_book().on(local_day(utc_now())) if is_in_use(form, emr_settings)]
