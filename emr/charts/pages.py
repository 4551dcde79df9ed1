"""Find people, read a chart, correct its particulars; and the scan field of every page."""

from typing import Any
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy.ext.asyncio import AsyncSession

from emr.access import FRONT, READ
from emr.care_teams.rules import WHOLE_HOUSE
from emr.catalogs.service import list_ethnic_groups
from emr.charts.service import ChartOrders, orders_on_chart
from emr.orders.rules import STATE_WORDS as ORDER_WORDS
from emr.patients.scan import BadScan
from emr.patients.search import find_patients
from emr.patients.service import change_patient, get_patient, identifiers_of, open_chart
from emr.reception.forms import InvalidForm, particulars, read_change
from emr.sheets.lists import dispensed_of_patient
from emr.sheets.rules import STATE_WORDS as SHEET_WORDS
from emr.stays.service import stays_of_patient
from emr.visits.service import patient_history
from emr.words import OUTCOME, PAYER, SEX
from kernel.clock import utc_now
from kernel.problems import Problem
from kernel.staff.api import Actor, Role, needs

FormBody = URLEncodedBody[dict[str, str]]
Session = NamedDependency[AsyncSession]
Who = NamedDependency[Actor]
KINDS = {
    "CITIZEN": "Số định danh",
    "OLD_ID": "Số cũ",
    "INSURANCE": "Mã BHXH",
    "PASSPORT": "Hộ chiếu",
}
MAY_READ = (Role.DOCTOR, Role.NURSE, *WHOLE_HOUSE, Role.HEAD)
MAY_CHANGE = (Role.RECEPTION, Role.NURSE, Role.DOCTOR, Role.HEAD)


class PatientPages(Controller):
    path = "/patients"
    guards = READ
    include_in_schema = False

    @get()
    async def start(self) -> Template:
        return Template(
            "emr/patients/search.html", context={"hits": None, "text": "", "error": "", "sex": SEX}
        )

    @post(status_code=200)
    async def search(self, data: FormBody, session: Session) -> Template:
        """A search is a POST: names and numbers never stand in an address."""
        return await search_page(session, data.get("text", ""))

    @post("/hits", status_code=200)
    async def hits(self, data: FormBody, session: Session) -> Template:
        """The table alone, while the person types."""
        try:
            found = await find_patients(session, data.get("text", ""))
        except BadScan:
            found = []
        return Template("emr/patients/_hits.html", context={"hits": found, "base": "/patients/", "sex": SEX})

    @get("/{patient_id:uuid}")
    async def chart(self, patient_id: FromPath[UUID], session: Session, actor: Who) -> Template:
        """The chart: numbers, visits, stays, results."""
        patient = await open_chart(session, patient_id, actor=actor)
        clinical = actor.has(*MAY_READ)
        dispenses = actor.has(Role.PHARMACIST) and not clinical
        orders = ChartOrders([], 0, may_break=False)
        if clinical:
            orders = await orders_on_chart(session, patient_id, actor=actor, now=utc_now())
        context = {
            "patient": patient,
            "numbers": await identifiers_of(session, patient_id),
            "visits": await patient_history(session, patient_id),
            "stays": await stays_of_patient(session, patient_id),
            "orders": orders.shown,
            "closed": orders,
            "dispensed": await dispensed_of_patient(session, patient_id) if dispenses else [],
            "dispenses": dispenses,
            "sheet_words": SHEET_WORDS,
            "clinical": clinical,
            "may_open": actor.has(Role.RECEPTION, Role.NURSE),
            "may_change": actor.has(*MAY_CHANGE),
            "kinds": KINDS,
            "sex": SEX,
            "payer": PAYER,
            "outcome": OUTCOME,
            "order_words": ORDER_WORDS,
        }
        return Template("emr/patients/chart.html", context=context)

    @get("/{patient_id:uuid}/particulars", guards=FRONT)
    async def edit(self, patient_id: FromPath[UUID], session: Session, actor: Who) -> Template:
        patient = await open_chart(session, patient_id, actor=actor, reason="Sửa hồ sơ")
        return await _edit_page(session, patient_id, particulars(patient))

    @post("/{patient_id:uuid}/particulars", guards=FRONT)
    async def change(
        self, patient_id: FromPath[UUID], data: FormBody, session: Session, actor: Who
    ) -> Template | Redirect:
        """Correct the chart; a refusal shows the same form."""
        patient = await get_patient(session, patient_id)
        try:
            command = read_change(data, patient)
            async with session.begin_nested():
                await change_patient(session, patient_id, command, actor=actor, now=utc_now())
        except InvalidForm as refusal:
            return await _edit_page(session, patient_id, data, refusal.errors)
        except Problem as problem:
            field = problem.field if problem.field in data else "name"
            return await _edit_page(session, patient_id, data, {field or "name": problem.detail})
        return Redirect(f"/patients/{patient_id}", status_code=303)


async def _edit_page(
    session: AsyncSession, patient_id: UUID, form: dict[str, str], errors: dict[str, str] | None = None
) -> Template:
    ethnic = [(group.code, group.name) for group in await list_ethnic_groups(session)]
    context: dict[str, Any] = {
        "patient_id": patient_id,
        "form": form,
        "errors": errors or {},
        "sexes": list(SEX.items()),
        "ethnic": [("", "Chưa ghi"), *ethnic],
    }
    return Template("emr/patients/edit.html", context=context, status_code=422 if errors else 200)


async def search_page(session: AsyncSession, typed: str) -> Template:
    error = ""
    try:
        hits = await find_patients(session, typed)
    except BadScan as refusal:
        hits, error = [], refusal.detail
    shown = "" if "|" in typed else typed
    context = {"hits": hits, "text": shown, "error": error, "sex": SEX}
    return Template("emr/patients/search.html", context=context, status_code=422 if error else 200)


class ScanPages(Controller):
    """The scan field in the top bar of every staff page."""

    path = "/scan"
    guards = (needs(*(role for role in Role if role is not Role.ADMIN)),)
    include_in_schema = False

    @post(status_code=200)
    async def scan(self, data: FormBody, session: Session) -> Template | Redirect:
        """Go to the one who was found, or show who it may be."""
        typed = data.get("text", "")
        try:
            hits = await find_patients(session, typed)
        except BadScan:
            return await search_page(session, typed)
        if len(hits) == 1:
            return Redirect(f"/patients/{hits[0].id}", status_code=303)
        return await search_page(session, typed)
