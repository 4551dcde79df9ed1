"""The chart a sheet is written in: read once, told to forms as named facts."""

from datetime import date
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.service import list_ethnic_groups
from emr.episodes.rules import Payer
from emr.episodes.views import StayView, VisitView
from emr.orders.rules import OrderState
from emr.orders.views import OrderView
from emr.orders.work import orders_of_visit
from emr.patients.rules import age_text, birth_text
from emr.patients.scan import Sex
from emr.patients.service import get_patient
from emr.patients.views import PatientView
from emr.places.service import list_departments
from emr.sheets.models import Sheet, SheetDiagnosis, SheetOrder
from emr.sheets.prices import unit_prices
from emr.sheets.rules import LIVE, SheetState
from emr.stays.service import stay_of_episode
from emr.visits.service import get_visit
from emr.vitals.service import VitalsView, vitals_of_visit
from kernel.clock import Instant, format_day, local, local_day
from kernel.money import Vnd, format_number, format_vnd
from kernel.text import format_phone

PAYER_WORDS = {
    Payer.BHYT: "BHYT",
    Payer.SELF_PAY: "Viện phí",
    Payer.ON_DEMAND: "Theo yêu cầu",
    Payer.FOREIGNER: "Người nước ngoài",
}
_PAYER_CODES = {Payer.BHYT: "1", Payer.SELF_PAY: "2", Payer.ON_DEMAND: "2", Payer.FOREIGNER: "4"}
SEX_WORDS = {Sex.MALE: "Nam", Sex.FEMALE: "Nữ", Sex.UNKNOWN: "Không xác định"}
_SEX_CODES = {Sex.MALE: "1", Sex.FEMALE: "2", Sex.UNKNOWN: ""}
_URGENCY = ["EMERGENCY", "URGENT", "ROUTINE"]


class Chart(Struct, frozen=True):
    """What is known of the person and the visit when a sheet is shown, checked or printed."""

    patient: PatientView
    visit: VisitView
    stay: StayView | None
    department: str
    ethnic_group: str
    orders: list[OrderView]
    """Those a phiếu chỉ định would print: not examinations, not voided, on no other sheet."""
    all_orders: list[OrderView]
    prices: dict[UUID, Vnd]
    diagnoses: list[dict[str, str]]
    """role, code and name, from the latest sheet of the visit that states any."""
    entry: int
    """The number of the next entry of the treatment sheet (tờ số)."""
    weight: str
    """The last weight written in this visit, in kg."""
    vitals: VitalsView | None
    """The last taking of the visit."""
    day: date

    @property
    def months(self) -> int:
        born = self.patient.birth_date
        return (self.day.year - born.year) * 12 + self.day.month - born.month - (self.day.day < born.day)

    @property
    def patient_line(self) -> str:
        return f"{self.patient.name.upper()} · {self.patient.code}"


async def read_chart(session: AsyncSession, visit_id: UUID, *, sheet_id: UUID, now: Instant) -> Chart:
    """Read the chart around a sheet. Raises NoSuchVisit."""
    visit = await get_visit(session, visit_id)
    patient = await get_patient(session, visit.patient_id)
    departments = {place.code: place.name for place in await list_departments(session)}
    groups = {place.code: place.name for place in await list_ethnic_groups(session)}
    all_orders = [
        order
        for order in await orders_of_visit(session, visit_id)
        if order.kind != "EXAM" and order.state is not OrderState.VOIDED
    ]
    taken = await _orders_on_other_sheets(session, sheet_id, visit_id)
    orders = [order for order in all_orders if order.id not in taken]
    stay = await stay_of_episode(session, visit.episode_id)
    place = stay.department if stay else visit.department
    return Chart(
        patient=patient,
        visit=visit,
        stay=stay,
        department=departments.get(place, place),
        ethnic_group=groups.get(patient.ethnic_code or "", ""),
        orders=orders,
        all_orders=all_orders,
        prices=await unit_prices(session, [order.id for order in orders]),
        diagnoses=await stated_diagnoses(session, visit_id, but=sheet_id),
        entry=await _next_entry(session, visit_id, but=sheet_id) if stay else 1,
        weight=await _last_weight(session, visit_id, but=sheet_id),
        vitals=next(iter(await vitals_of_visit(session, visit_id)), None),
        day=local_day(now),
    )


async def _orders_on_other_sheets(session: AsyncSession, sheet_id: UUID, visit_id: UUID) -> set[UUID]:
    """Return orders printed on a live sheet that this one doesn't replace."""
    replaced = select(Sheet.supersedes).where(Sheet.id == sheet_id, Sheet.supersedes.is_not(None))
    rows = await session.scalars(
        select(SheetOrder.order_id)
        .join(Sheet, Sheet.id == SheetOrder.sheet_id)
        .where(
            Sheet.visit_id == visit_id,
            Sheet.state.in_([state.value for state in LIVE]),
            Sheet.id != sheet_id,
            Sheet.id.not_in(replaced),
        )
    )
    return set(rows)


async def stated_diagnoses(
    session: AsyncSession, visit_id: UUID, *, but: UUID | None = None
) -> list[dict[str, str]]:
    """Return the diagnoses of the visit's latest sheet that states any, in their order."""
    latest = (
        select(Sheet.id)
        .join(SheetDiagnosis, SheetDiagnosis.sheet_id == Sheet.id)
        .where(Sheet.visit_id == visit_id, Sheet.state.in_([state.value for state in LIVE]))
        .order_by((func.coalesce(Sheet.form_code, "") == "PKB").desc(), Sheet.saved_at.desc())
        .limit(1)
    )
    if but is not None:
        latest = latest.where(Sheet.id != but)
    rows = await session.execute(
        select(SheetDiagnosis.role, SheetDiagnosis.code, SheetDiagnosis.name)
        .where(SheetDiagnosis.sheet_id == latest.scalar_subquery())
        .order_by(SheetDiagnosis.position)
    )
    return [{"role": role, "code": code, "name": name} for role, code, name in rows]


async def _next_entry(session: AsyncSession, visit_id: UUID, *, but: UUID) -> int:
    """Count the entries of the treatment sheet that were finished before this one; a new version keeps none apart."""
    finished = [SheetState.COMPLETED.value, SheetState.SIGNED.value]
    made = await session.scalar(
        select(func.count())
        .select_from(Sheet)
        .where(
            Sheet.visit_id == visit_id,
            Sheet.form_code == "36-BV2",
            Sheet.state.in_(finished),
            Sheet.id != but,
        )
    )
    return 1 + (made or 0)


async def _last_weight(session: AsyncSession, visit_id: UUID, *, but: UUID) -> str:
    weight = await session.scalar(
        select(Sheet.data["can_nang"].astext)
        .where(
            Sheet.visit_id == visit_id,
            Sheet.id != but,
            Sheet.state != SheetState.CANCELLED.value,
            Sheet.data["can_nang"].astext.is_not(None),
        )
        .order_by(Sheet.saved_at.desc())
        .limit(1)
    )
    return weight or ""


def facts_of(chart: Chart) -> dict[str, Any]:
    """Return every fact a form may name, as it is printed or proposed."""
    return (
        _facts_of_person(chart)
        | _facts_of_visit(chart)
        | _facts_of_orders(chart)
        | _facts_of_diagnoses(chart)
        | _facts_of_vitals(chart)
    )


def _facts_of_person(chart: Chart) -> dict[str, Any]:
    patient = chart.patient
    birth, age = (
        birth_text(patient.birth_date, patient.birth_precision),
        age_text(patient.birth_date, chart.day),
    )
    return {
        "patient.code": patient.code,
        "patient.name": patient.name.upper(),
        "patient.birth": birth,
        "patient.age": age,
        "patient.birth_age": f"{birth} ({age})",
        "patient.sex": SEX_WORDS[patient.sex],
        "patient.sex_code": _SEX_CODES[patient.sex],
        "patient.ethnic": chart.ethnic_group,
        "patient.occupation": patient.occupation,
        "patient.foreign": "" if patient.nationality in ("VN", "VNM") else patient.nationality,
        "patient.citizen_id": patient.citizen_id or patient.passport_no or "",
        "patient.address": patient.address,
        "patient.phone": format_phone(patient.phone) if patient.phone else "",
        "patient.allergies": patient.allergies,
        "patient.allergy_history": f"Dị ứng: {patient.allergies}." if patient.allergies else "",
    }


def _facts_of_visit(chart: Chart) -> dict[str, Any]:
    visit, stay, card, guardian = chart.visit, chart.stay, chart.visit.insurance, chart.visit.guardian
    last = stay.discharged_at if stay and stay.discharged_at else visit.ended_at
    return {
        "visit.number": visit.number,
        "visit.payer": PAYER_WORDS[visit.payer],
        "visit.payer_code": _PAYER_CODES[visit.payer],
        "visit.card": card.card_number if card else chart.patient.insurance_no or "",
        "visit.card_valid_to": format_day(card.valid_to) if card and card.valid_to else "",
        "visit.opened_at": f"{local(visit.opened_at):%H giờ %M phút, ngày %d/%m/%Y}",
        "visit.room": visit.room,
        "visit.place": f"{chart.department} - {visit.room}",
        "visit.day": format_day(local_day(stay.admitted_at if stay else visit.opened_at)),
        "visit.last_day": format_day(local_day(last) if last else chart.day),
        "visit.reason": visit.reason,
        "visit.guardian": f"{guardian.name} ({guardian.relation})" if guardian else "",
        "visit.guardian_phone": guardian.phone if guardian else "",
        "stay.number": stay.number if stay else "",
        "stay.department": chart.department,
        "stay.bed": (stay.bed or "") if stay else "",
        "stay.entry": str(chart.entry),
        "stay.admitted_at": local(stay.admitted_at).isoformat(timespec="minutes") if stay else "",
        "stay.discharged_at": local(stay.discharged_at).isoformat(timespec="minutes")
        if stay and stay.discharged_at
        else "",
    }


def _facts_of_vitals(chart: Chart) -> dict[str, Any]:
    """What the nurse measured, proposed to the doctor; a weight written in a sheet wins."""
    names = ("pulse", "temperature", "systolic", "diastolic", "respiration", "spo2", "weight", "height")
    taken = {f"vitals.{name}": getattr(chart.vitals, name) if chart.vitals else None for name in names}
    weight = taken["vitals.weight"]
    measured = "" if weight is None else f"{weight:g}"
    return taken | {"vitals.weight": chart.weight or measured}


def _facts_of_orders(chart: Chart) -> dict[str, Any]:
    def line(order: OrderView) -> dict[str, Any]:
        price = chart.prices.get(order.id)
        return {
            "so": order.number,
            "ten": f"{order.service_name} ({order.note})" if order.note else order.service_name,
            "noi": order.room or "",
            "so_luong": order.quantity,
            "don_gia": "" if price is None else format_number(price),
            "thanh_tien": "" if price is None else format_number(price * order.quantity),
        }

    known = [chart.prices[order.id] * order.quantity for order in chart.orders if order.id in chart.prices]
    results = [
        f"{order.service_name}: {_result_text(order)}"
        for order in chart.all_orders
        if order.result is not None
    ]
    urgency = min((_URGENCY.index(order.priority.value) for order in chart.orders), default=2)
    return {
        "orders.lines": [line(order) for order in chart.orders],
        "orders.total": format_vnd(sum(known)) if len(known) == len(chart.orders) and known else "",
        "orders.results": "\n".join(results),
        "orders.priority": _URGENCY[urgency],
    }


def _result_text(order: OrderView) -> str:
    result = order.result
    assert result is not None
    mark = {"H": " (cao)", "L": " (thấp)"}.get(result.abnormal, "")
    value = f"{result.value} {result.unit}{mark}".strip() if result.value else ""
    return "; ".join(part for part in (value, result.text) if part)


def _facts_of_diagnoses(chart: Chart) -> dict[str, Any]:
    def named(*roles: str) -> list[dict[str, str]]:
        return [{"code": d["code"], "name": d["name"]} for d in chart.diagnoses if d["role"] in roles]

    main, first = named("MAIN"), named("FIRST")
    return {
        "diagnosis.line": "; ".join(
            f"{one['name']} ({one['code']})" if one["code"] else one["name"]
            for one in [*(main or first), *named("OTHER")]
        ),
        "diagnosis.main": main[0] if main else None,
        "diagnosis.first": next(iter(first or main), None),
        "diagnosis.others": named("OTHER"),
        "diagnosis.all": [*(main or first), *named("OTHER")],
    }
