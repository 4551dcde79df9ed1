"""Prescriptions as children of their sheet: judged and written when it is completed, replaced but never edited."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.care_teams.service import require_care
from emr.catalogs.service import NoSuchCode, get_drug
from emr.catalogs.views import Drug
from emr.prescriptions.models import Prescription, PrescriptionLine
from emr.prescriptions.rules import Errors, Limits, drug_name, judge, new_code, valid_until
from emr.settings import EmrSettings
from emr.sheets.check import Values
from emr.sheets.children import with_children
from emr.sheets.context import Chart
from emr.sheets.models import Sheet
from emr.sheets.rules import LIVE, SheetState
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, local_day
from kernel.facility import Facility
from kernel.problems import NotFound, Refused
from kernel.staff.api import Actor, get_staff

FORM = "DT-C"


class NoSuchPrescription(NotFound):
    slug = "no-such-prescription"


class OutpatientRecordMissing(Refused):
    """The facility wants a bệnh án ngoại trú for every visit that prescribes (R-18)."""

    slug = "outpatient-record-missing"


class NotLicensed(Refused):
    """The prescriber has no practice licence number (TT 26/2025 Đ2)."""

    slug = "not-licensed"


class LineView(Struct, frozen=True):
    position: int
    drug_code: str
    name: str
    strength: str
    unit: str
    quantity: Decimal
    dose: str
    times_per_day: int
    route: str
    moment: str
    days: int


class PrescriptionView(Struct, frozen=True):
    """A prescription as pharmacies and feeds read it."""

    sheet_id: UUID
    code: str
    kind: str
    visit_id: UUID
    patient_id: UUID
    state: SheetState
    replaces_id: UUID | None
    prescribed_at: Instant | None
    valid_until: date | None
    document_id: UUID | None
    lines: list[LineView]


def limits_of(settings: EmrSettings) -> Limits:
    return Limits(
        days=settings.prescription_days,
        long_days=settings.prescription_long_days,
        long_codes=frozenset(settings.prescription_long_codes),
        collect_days=settings.prescription_collect_days,
    )


@with_children(FORM)
class PrescriptionOfSheet:
    """The lines of a đơn thuốc."""

    async def judge(
        self,
        session: AsyncSession,
        chart: Chart,
        values: Values,
        *,
        actor: Actor,
        settings: EmrSettings,
        facility: Facility,
    ) -> tuple[Values, Errors, dict[str, Any]]:
        """Fill the lines from the catalogue and hold them against TT 26/2025."""
        await _require_licence(session, actor, settings)
        await _require_outpatient_record(session, chart.visit.id, settings)
        drugs = await _drugs(session, values)
        errors = judge(
            values,
            months=chart.months,
            drugs=drugs,
            limits=limits_of(settings),
            has_guardian=chart.visit.guardian is not None,
        )
        lines = [
            _filled(line, drugs[line["ma"]]) if line["ma"] in drugs else line for line in values["thuoc"]
        ]
        # The code is part of what is signed, so it is made here and kept with the rows.
        return values | {"thuoc": lines}, errors, {"prescription.code": new_code(facility.code)}

    async def keep(
        self, session: AsyncSession, sheet: Sheet, values: Values, *, settings: EmrSettings, now: Instant
    ) -> None:
        """Write the prescription and its lines; the sheet locks them in the same transaction."""
        await session.execute(
            insert(Prescription).values(
                sheet_id=sheet.id,
                code=values["ma_don"],
                kind=values["ma_don"][-1],
                visit_id=sheet.visit_id,
                patient_id=sheet.patient_id,
                replaces_id=sheet.supersedes,
                prescribed_at=now,
                valid_until=valid_until(local_day(now), limits_of(settings)),
            )
        )
        rows = [
            {
                "sheet_id": sheet.id,
                "position": position,
                "drug_code": line["ma"],
                "name": line["ten"],
                "strength": line["ham_luong"],
                "unit": line["don_vi"],
                "quantity": Decimal(line["so_luong"]),
                "dose": line["lieu"],
                "times_per_day": line["so_lan"],
                "route": line["duong_dung"],
                "moment": line["thoi_diem"],
                "days": line["so_ngay"],
            }
            for position, line in enumerate(values["thuoc"], start=1)
        ]
        await session.execute(insert(PrescriptionLine), rows)


async def _require_licence(session: AsyncSession, actor: Actor, settings: EmrSettings) -> None:
    if settings.prescriber_licence_required and not (await get_staff(session, actor.id)).practice_license:
        raise NotLicensed(
            "Tài khoản của bạn chưa có số giấy phép hành nghề nên chưa kê đơn được. Gọi quản trị."
        )


async def _require_outpatient_record(session: AsyncSession, visit_id: UUID, settings: EmrSettings) -> None:
    if not settings.outpatient_record_required:
        return
    statement = select(Sheet.id).where(
        Sheet.visit_id == visit_id,
        Sheet.form_code == "15-BV1",
        Sheet.state.in_([state.value for state in LIVE]),
    )
    if await session.scalar(statement.limit(1)) is None:
        raise OutpatientRecordMissing("Cơ sở yêu cầu lập bệnh án ngoại trú 15/BV1 trước khi kê đơn.")


async def _drugs(session: AsyncSession, values: Values) -> dict[str, Drug]:
    drugs = {}
    for code in {line["ma"] for line in values["thuoc"]}:
        try:
            drugs[code] = await get_drug(session, code)
        except NoSuchCode:
            continue  # Told as an error of its line.
    return drugs


def _filled(line: Values, drug: Drug) -> Values:
    """Return the line with the words of the catalogue: they are what the law wants printed (P08)."""
    return line | {
        "ten": drug_name(drug),
        "ham_luong": drug.strength,
        "don_vi": drug.unit,
        "duong_dung": line["duong_dung"] or drug.route,
    }


async def prescriptions_of_visit(session: AsyncSession, visit_id: UUID) -> list[PrescriptionView]:
    """Return a visit's completed prescriptions, the latest first."""
    rows = await session.scalars(
        select(Prescription)
        .where(Prescription.visit_id == visit_id)
        .order_by(Prescription.prescribed_at.desc(), Prescription.sheet_id)
    )
    return [await _view(session, row) for row in rows]


async def get_prescription(session: AsyncSession, code: str) -> PrescriptionView:
    """Find a prescription by its printed code, whatever the case typed. Raises NoSuchPrescription."""
    typed = code.strip()
    canonical = f"{typed[:5]}{typed[5:12].lower()}{typed[12:].upper()}"
    row = await session.scalar(select(Prescription).where(Prescription.code == canonical))
    if row is None:
        raise NoSuchPrescription("Không có đơn thuốc mang mã này.")
    return await _view(session, row)


async def read_prescription(
    session: AsyncSession, code: str, *, actor: Actor, now: Instant
) -> PrescriptionView:
    """Return a prescription to a person of staff, and audit it. Raises NoSuchPrescription, NotYourPatient."""
    view = await get_prescription(session, code)
    await require_care(session, actor, view.visit_id, now=now, form_code=FORM)
    await record(session, Entry(Action.VIEW, f"emr.prescription:{view.sheet_id}", view.patient_id), actor)
    return view


async def _view(session: AsyncSession, row: Prescription) -> PrescriptionView:
    sheet = await session.get_one(Sheet, row.sheet_id)
    lines = await session.scalars(
        select(PrescriptionLine)
        .where(PrescriptionLine.sheet_id == row.sheet_id)
        .order_by(PrescriptionLine.position)
    )
    return PrescriptionView(
        sheet_id=row.sheet_id,
        code=row.code,
        kind=row.kind,
        visit_id=row.visit_id,
        patient_id=row.patient_id,
        state=SheetState(sheet.state),
        replaces_id=row.replaces_id,
        prescribed_at=row.prescribed_at,
        valid_until=row.valid_until,
        document_id=sheet.document_id,
        lines=[
            LineView(**{name: getattr(line, name) for name in LineView.__struct_fields__}) for line in lines
        ],
    )
