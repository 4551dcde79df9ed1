"""Prescriptions over HTTP for programs."""

from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct
from sqlalchemy.ext.asyncio import AsyncSession

from emr.care_teams.service import require_care
from emr.prescriptions.service import (
    FORM,
    NoSuchPrescription,
    PrescriptionView,
    prescriptions_of_visit,
    read_prescription,
)
from emr.settings import EmrSettings
from emr.sheets.rest import OPENING, READERS, WRITERS
from emr.sheets.service import open_sheet, save_draft
from emr.sheets.views import OpenSheet, SaveDraft, SheetView
from kernel.clock import Instant, utc_now
from kernel.refusals import told
from kernel.staff.api import Actor

Line = Annotated[str, Meta(max_length=500)]


class DrugLine(Struct, frozen=True, forbid_unknown_fields=True):
    """One drug. Name, strength and unit come from the catalogue."""

    drug_code: Line
    quantity: Annotated[str, Meta(pattern=r"^[0-9]{1,4}([.,][0-9]{1,2})?$")]
    dose: Line
    """Liều một lần: "1 viên"."""
    times_per_day: Annotated[int, Meta(ge=1, le=24)]
    moment: Line
    """Thời điểm dùng: "sau ăn"."""
    days: Annotated[int, Meta(ge=1, le=90)]
    route: Line = ""


class Diagnosis(Struct, frozen=True, forbid_unknown_fields=True):
    code: Line
    name: Line


class WritePrescription(Struct, frozen=True, forbid_unknown_fields=True):
    """Begin a prescription with everything in it. `id` becomes the id of its sheet."""

    id: UUID
    visit_id: UUID
    lines: Annotated[list[DrugLine], Meta(min_length=1, max_length=100)]
    diagnoses: list[Diagnosis] | None = None
    """None: what the visit's note states."""
    advice: Annotated[str, Meta(max_length=5_000)] = ""
    return_on: date | None = None
    weight_kg: str = ""
    brought_by: Line = ""
    """Who brings a child under 72 months."""
    event_at: Instant | None = None


class PrescriptionController(Controller):
    path = "/api/prescriptions"
    guards = (READERS,)
    tags = ("prescriptions",)

    @post(operation_id="writePrescription", guards=[WRITERS], responses=OPENING)
    async def write(
        self,
        data: JSONBody[WritePrescription],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        emr_settings: NamedDependency[EmrSettings],
    ) -> SheetView:
        """Begin a prescription (kê đơn); complete its sheet to have it checked, rendered and signed."""
        now = utc_now()
        opening = OpenSheet(data.id, data.visit_id, FORM, event_at=data.event_at)
        sheet = await open_sheet(session, opening, actor=actor, now=now, settings=emr_settings)
        if sheet.revision > 1:
            return sheet  # The same command again.
        command = SaveDraft(sheet.id, sheet.revision, sheet.data | _written(data))
        return await save_draft(session, command, actor=actor, now=now)

    @get(operation_id="listPrescriptions")
    async def of_visit(
        self,
        visit_id: FromQuery[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> list[PrescriptionView]:
        """List a visit's completed prescriptions, the latest first."""
        await require_care(session, actor, visit_id, now=utc_now(), form_code=FORM)
        return await prescriptions_of_visit(session, visit_id)

    @get("/{code:str}", operation_id="getPrescription", responses=told(NoSuchPrescription))
    async def read(
        self, code: FromPath[str], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> PrescriptionView:
        """Find a prescription by its printed code."""
        return await read_prescription(session, code, actor=actor, now=utc_now())


def _written(data: WritePrescription) -> dict[str, object]:
    """Return the command as fields of the form DT-C; what it leaves out stays as proposed."""
    lines = [
        {
            "ma": line.drug_code,
            "so_luong": line.quantity,
            "lieu": line.dose,
            "so_lan": line.times_per_day,
            "thoi_diem": line.moment,
            "so_ngay": line.days,
            "duong_dung": line.route,
        }
        for line in data.lines
    ]
    given: dict[str, object] = {
        "thuoc": lines,
        "loi_dan": data.advice,
        "ngay_tai_kham": data.return_on.isoformat() if data.return_on else "",
        "can_nang": data.weight_kg,
        "nguoi_dua_tre": data.brought_by,
    }
    written = {key: value for key, value in given.items() if value != ""}
    if data.diagnoses is not None:
        written["chan_doan"] = [{"code": part.code, "name": part.name} for part in data.diagnoses]
    return written
