"""Whose record opens: role, department, care team, duty; and the glass that can be broken (R-61, R-67)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from emr.care_teams.rules import CareTeam, belongs, covers
from emr.care_teams.service import (
    AccessJudged,
    Judge,
    MayNotBreakGlass,
    NotYourOwnAccess,
    NotYourPatient,
    OpenRecord,
    judge_access,
    open_in_emergency,
    require_care,
)
from emr.charts.service import orders_on_chart
from emr.episodes.views import VisitView
from emr.once import IdReused
from emr.orders.results import report_result
from emr.orders.service import place_orders, release_orders
from emr.orders.views import OrderLine, PlaceOrders, ReportResult
from emr.places.models import Duty
from emr.queues.models import Ticket
from emr.queues.rules import TicketState
from emr.sheets.service import save_draft
from emr.sheets.views import SaveDraft, SheetView
from emr.visits.service import start_visit
from kernel.audit.api import entries_of_patient
from kernel.clock import local_day, utc_now
from kernel.ids import new_id
from kernel.staff.api import Actor, Role
from kernel.staff.models import StaffAccount
from tests.conftest import SignedIn
from tests.emr.builders import DOCTOR, LAB, NOW, a_patient, a_visit, an_actor
from tests.emr.sheet_acts import a_draft, an_account

WARD_A = CareTeam(frozenset({"K02"}), frozenset({UUID(int=9)}))
REASON = "Cấp cứu tại sảnh, cần biết thuốc đang dùng"


def of(department: str, *roles: Role) -> Actor:
    actor = an_actor(*roles)
    return Actor(
        id=actor.id, name=actor.name, title="", roles=actor.roles, department=department, ip="127.0.0.1"
    )


@pytest.mark.parametrize(
    ("department", "role", "form", "opens"),
    [
        ("K02", Role.NURSE, "", True),
        ("K03", Role.NURSE, "", False),
        ("K03", Role.DOCTOR, "", False),
        ("K03", Role.HEAD, "", False),
        ("K05", Role.LAB, "", False),
        ("P02", Role.DIRECTOR, "", True),
        ("P02", Role.ARCHIVIST, "", True),
        ("P02", Role.INSURANCE, "", True),
        ("K07", Role.PHARMACIST, "DT-C", True),
        ("K07", Role.PHARMACIST, "PKB", False),
    ],
)
def test_role_and_department_open_a_record(department: str, role: Role, form: str, opens: bool) -> None:
    assert belongs(of(department, role), WARD_A, form_code=form) is opens


def test_somebody_named_in_the_care_team_belongs_wherever_they_work() -> None:
    person = Actor(
        id=UUID(int=9), name="BS", title="", roles=frozenset({Role.DOCTOR}), department="K03", ip=""
    )
    assert belongs(person, WARD_A)


@pytest.mark.parametrize(
    ("duties", "opens"),
    [([], False), ([("DOCTOR", "K02")], True), ([("DOCTOR", "K03")], False), ([("LEADER", "P02")], True)],
)
def test_a_turn_on_duty_opens_what_it_covers(duties: list[tuple[str, str]], opens: bool) -> None:
    assert covers(duties, WARD_A) is opens


@pytest.fixture
async def sheet(records: AsyncSession) -> SheetView:
    """A note of department K01."""
    return await a_draft(records)


@pytest.fixture
async def stranger(signed_in: SignedIn, sheet: SheetView) -> Actor:
    return await signed_in(Role.NURSE, Role.DOCTOR, department="K03", name="Phạm Khoa Khác")


async def test_a_nurse_of_ward_a_is_refused_ward_bs_record(
    client: httpx.AsyncClient, signed_in: SignedIn, sheet: SheetView
) -> None:
    await signed_in(Role.NURSE, department="K03")
    answer = await client.get(f"/api/sheets/{sheet.id}")
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-your-patient")
    await signed_in(Role.NURSE, department="K01")
    assert (await client.get(f"/api/sheets/{sheet.id}")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/sheets/{sheet}", None),
        ("GET", "/api/sheets?visit_id={visit}", None),
        ("GET", "/api/sheets/diagnoses?visit_id={visit}", None),
        ("GET", "/api/prescriptions?visit_id={visit}", None),
        ("PUT", "/api/sheets/{sheet}/draft", {"revision": 1, "data": {}}),
        ("POST", "/api/sheets/{sheet}/completion", {}),
        ("POST", "/api/sheets/{sheet}/cancellation", None),
        ("POST", "/api/sheets", {"id": str(UUID(int=77)), "visit_id": "{visit}", "form_code": "DT-C"}),
        ("GET", "/sheets/{sheet}", None),
        ("GET", "/sheets/{sheet}/preview", None),
        ("GET", "/sheets?visit_id={visit}", None),
        ("GET", "/workbench/visits/{visit}", None),
    ],
)
async def test_every_door_to_a_sheet_is_closed_to_other_departments(
    client: httpx.AsyncClient,
    stranger: Actor,
    sheet: SheetView,
    records: AsyncSession,
    method: str,
    path: str,
    body: Any,
) -> None:
    names = {"sheet": str(sheet.id), "visit": str(sheet.visit_id)}
    if body and body.get("visit_id"):
        body = body | {"visit_id": names["visit"]}
    answer = await client.request(method, path.format(**names), json=body)
    assert answer.status_code == 403, answer.text[:500]
    assert "khoa khác chăm sóc" in answer.text
    [told, *_] = await entries_of_patient(records, sheet.patient_id)
    assert (told.action, told.actor_id, told.subject) == (
        "failure",
        stranger.id,
        f"emr.visit:{sheet.visit_id}",
    )
    assert (told.reason, told.detail["refused"]) == ("Không thuộc khoa, kíp điều trị", "look")


async def test_a_patient_who_lies_in_my_department_is_mine_with_all_that_was_written(
    records: AsyncSession, sheet: SheetView
) -> None:
    ward = of("K04", Role.NURSE)
    with pytest.raises(NotYourPatient):
        await require_care(records, ward, sheet.visit_id, now=NOW)
    await a_visit(records, patient_id=sheet.patient_id, room="CC1")
    assert await require_care(records, ward, sheet.visit_id, now=NOW) is None


async def test_the_doctor_who_examines_belongs(records: AsyncSession) -> None:
    visit: VisitView = await a_visit(records)
    helper = of("K02", Role.DOCTOR)
    with pytest.raises(NotYourPatient):
        await require_care(records, helper, visit.id, now=NOW)
    await records.execute(
        text("UPDATE emr_order SET state = 'RELEASED', released_at = now(), released_by = 'RULE'")
    )
    await start_visit(records, visit.id, actor=helper, now=NOW)
    assert await require_care(records, helper, visit.id, now=NOW) is None


async def test_who_called_the_number_may_open_the_visit_to_start_it(records: AsyncSession) -> None:
    visit: VisitView = await a_visit(records)
    guest = of("K03", Role.DOCTOR)
    with pytest.raises(NotYourPatient):
        await require_care(records, guest, visit.id, now=NOW)
    called = update(Ticket).where(Ticket.visit_id == visit.id)
    await records.execute(called.values(state=TicketState.CALLED, called_by=guest.id, called_at=NOW, calls=1))
    assert await require_care(records, guest, visit.id, now=NOW) is None


async def test_the_night_opens_the_departments_one_covers(records: AsyncSession, sheet: SheetView) -> None:
    covering = of("K04", Role.DOCTOR)
    await an_account(records, covering)
    turn = {
        "id": new_id(),
        "day": local_day(NOW),
        "kind": "DOCTOR",
        "department_code": "K01",
        "staff_id": covering.id,
        "starts_at": NOW - timedelta(hours=1),
        "ends_at": NOW + timedelta(hours=1),
    }
    await records.execute(insert(Duty).values(turn))
    assert await require_care(records, covering, sheet.visit_id, now=NOW) is None
    with pytest.raises(NotYourPatient):
        await require_care(records, covering, sheet.visit_id, now=NOW + timedelta(hours=2))


async def test_writing_needs_the_care_team_too(records: AsyncSession, sheet: SheetView) -> None:
    with pytest.raises(NotYourPatient):
        await save_draft(records, SaveDraft(sheet.id, 1, {}), actor=of("K03", Role.DOCTOR), now=NOW)


async def opened(records: AsyncSession, actor: Actor, patient_id: UUID, **more: Any) -> UUID:
    command = OpenRecord(more.pop("id", new_id()), patient_id, REASON)
    return (await open_in_emergency(records, command, actor=actor, now=more.pop("now", NOW))).id


async def test_the_broken_glass_opens_one_person_for_a_while(records: AsyncSession, sheet: SheetView) -> None:
    stranger = of("K03", Role.NURSE)
    await an_account(records, stranger)
    access = await opened(records, stranger, sheet.patient_id)
    assert await require_care(records, stranger, sheet.visit_id, now=NOW) == access
    with pytest.raises(NotYourPatient):
        await require_care(records, stranger, sheet.visit_id, now=NOW + timedelta(hours=4))
    other = await a_visit(records)
    with pytest.raises(NotYourPatient):
        await require_care(records, stranger, other.id, now=NOW)


async def test_opening_once_more_with_the_same_id_changes_nothing(
    records: AsyncSession, sheet: SheetView
) -> None:
    stranger = of("K03", Role.NURSE)
    await an_account(records, stranger)
    access = await opened(records, stranger, sheet.patient_id)
    assert (
        await opened(records, stranger, sheet.patient_id, id=access, now=NOW + timedelta(hours=1)) == access
    )
    somebody = await a_patient(records)
    with pytest.raises(IdReused):
        await opened(records, stranger, somebody.id, id=access)


@pytest.fixture
async def order(records: AsyncSession, sheet: SheetView) -> UUID:
    """A test ordered in the visit of the note, with its result."""
    line = OrderLine(new_id(), "XN01")
    await place_orders(records, PlaceOrders(sheet.visit_id, [line]), actor=DOCTOR, now=NOW)
    await release_orders(records, [line.id], now=NOW)
    result = ReportResult(id=new_id(), value="6,4")
    await report_result(records, line.id, result, actor=LAB, now=NOW)
    return line.id


@pytest.mark.parametrize(
    "path", ["/api/orders/{order}", "/api/orders/{order}/results", "/api/visits/{visit}/orders"]
)
async def test_orders_and_results_open_as_the_sheets_do(
    client: httpx.AsyncClient, signed_in: SignedIn, order: UUID, sheet: SheetView, path: str
) -> None:
    where = path.format(order=order, visit=sheet.visit_id)
    for role, department in ((Role.DOCTOR, "K03"), (Role.LAB, "K03"), (Role.CASHIER, "P01")):
        await signed_in(role, department=department)
        answer = await client.get(where)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-your-patient")
    for role, department in ((Role.DOCTOR, "K01"), (Role.LAB, "K05"), (Role.INSURANCE, "P02")):
        await signed_in(role, department=department)
        assert (await client.get(where)).status_code == 200, (role, department)


async def test_the_chart_shows_orders_of_ones_own_visits_and_the_rest_in_an_emergency(
    client: httpx.AsyncClient, signed_in: SignedIn, records: AsyncSession, order: UUID, sheet: SheetView
) -> None:
    chart = f"/patients/{sheet.patient_id}"
    await signed_in(Role.DOCTOR, department="K01")
    assert "6,4" in (await client.get(chart)).text
    stranger = await signed_in(Role.DOCTOR, department="K03")
    closed = (await client.get(chart)).text
    assert "6,4" not in closed
    assert "của khoa khác không mở" in closed
    assert f"/emergency-access/{sheet.patient_id}?then={chart}" in closed
    await opened(records, stranger, sheet.patient_id, now=utc_now())
    assert "6,4" in (await client.get(chart)).text
    told, *_ = await entries_of_patient(records, sheet.patient_id)
    assert (told.actor_id, "emergency" in told.detail) == (stranger.id, True)
    await signed_in(Role.DIRECTOR, department="P02")
    assert "6,4" in (await client.get(chart)).text


async def test_the_chart_opens_ones_own_visit_beside_a_foreign_one(
    records: AsyncSession, order: UUID, sheet: SheetView
) -> None:
    await a_visit(records, patient_id=sheet.patient_id, room="PK2", now=NOW)
    seen = await orders_on_chart(records, sheet.patient_id, actor=of("K05", Role.NURSE), now=NOW)
    assert {line.visit_id for line in seen.shown} == {sheet.visit_id}
    assert order in {line.id for line in seen.shown}
    assert (seen.hidden, seen.may_break) == (1, True)


async def test_who_does_not_treat_breaks_no_glass(records: AsyncSession, sheet: SheetView) -> None:
    with pytest.raises(MayNotBreakGlass):
        await opened(records, of("K07", Role.PHARMACIST), sheet.patient_id)


async def test_the_person_is_led_from_the_refusal_to_the_reason_and_back(
    client: httpx.AsyncClient, stranger: Actor, sheet: SheetView, records: AsyncSession
) -> None:
    refused = await client.get(f"/sheets/{sheet.id}")
    way = f"/emergency-access/{sheet.patient_id}?then=/sheets/{sheet.id}"
    assert way in refused.text
    form = await client.get(way)
    assert "Mở khẩn hồ sơ" in form.text
    given = {"id": str(new_id()), "then": f"/sheets/{sheet.id}", "reason": "xem"}
    short = await client.post(f"/emergency-access/{sheet.patient_id}", data=given)
    assert (short.status_code, "từ 10 ký tự" in short.text) == (422, True)
    opened = await client.post(f"/emergency-access/{sheet.patient_id}", data=given | {"reason": REASON})
    assert (opened.status_code, opened.headers["location"]) == (303, f"/sheets/{sheet.id}")
    assert (await client.get(f"/sheets/{sheet.id}")).status_code == 200
    rows = await records.execute(
        text("SELECT action, reason, detail FROM kernel_audit WHERE actor_id = :who ORDER BY id"),
        {"who": stranger.id},
    )
    made = [row for row in rows if "emergency" in (row.detail or {})]
    assert [(row.action, row.reason) for row in made] == [("create", REASON), ("view", None)]


async def test_another_person_judges_what_was_opened(
    client: httpx.AsyncClient, signed_in: SignedIn, stranger: Actor, sheet: SheetView, records: AsyncSession
) -> None:
    access = await opened(records, stranger, sheet.patient_id, now=utc_now())
    assert (await client.get("/emergency-access")).status_code == 403
    await signed_in(Role.DIRECTOR, department="P02", name="Lý Giám Đốc")
    page = await client.get("/emergency-access")
    assert REASON in page.text
    judged = await client.post(
        f"/emergency-access/{access}/judgement", data={"justified": "no", "note": "Không cần xem"}
    )
    assert judged.status_code == 303
    (row,) = (await client.get("/api/emergency-accesses")).json()
    assert (row["justified"], row["review_note"], row["reviewed_name"]) == (
        False,
        "Không cần xem",
        "Lý Giám Đốc",
    )
    again = await client.post(f"/api/emergency-accesses/{access}/judgement", json={"justified": True})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/emergency-access-judged")


async def test_nobody_judges_their_own_opening(records: AsyncSession, sheet: SheetView) -> None:
    head = of("K03", Role.HEAD)
    await an_account(records, head)
    access = await opened(records, head, sheet.patient_id)
    with pytest.raises(NotYourOwnAccess):
        await judge_access(records, access, Judge(justified=True), actor=head, now=NOW)
    other = of("P02", Role.DIRECTOR)
    await judge_access(records, access, Judge(justified=True), actor=other, now=NOW)
    with pytest.raises(AccessJudged):
        await judge_access(records, access, Judge(justified=False), actor=other, now=NOW)


async def test_a_moved_colleague_leaves_the_record_behind(
    client: httpx.AsyncClient, signed_in: SignedIn, sheet: SheetView, records: AsyncSession
) -> None:
    nurse = await signed_in(Role.NURSE, department="K01")
    assert (await client.get(f"/api/sheets/{sheet.id}")).status_code == 200
    await records.execute(update(StaffAccount).where(StaffAccount.id == nurse.id).values(department="K03"))
    await signed_in(Role.NURSE, department="K03")
    assert (await client.get(f"/api/sheets/{sheet.id}")).status_code == 403
    assert DOCTOR.department == "K01"
