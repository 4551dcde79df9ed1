"""Dấu hiệu sinh tồn: taken by nurses, shown to the doctor, proposed to the note."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.service import NoSuchVisit
from emr.episodes.views import VisitView
from emr.once import IdReused
from emr.visits.service import cancel_visit, start_visit
from emr.vitals.pages import BadFigures, read_figures
from emr.vitals.service import (
    NoSuchVitals,
    NothingMeasured,
    TakeVitals,
    VisitOver,
    VitalsVoided,
    VoidVitals,
    WrongMoment,
    WrongPressure,
    take_vitals,
    to_measure,
    vitals_of_visit,
    void_vitals,
)
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.staff.api import Role
from tests.conftest import SignedIn
from tests.emr.builders import DOCTOR, NOW, RECEPTION, a_hospital, a_visit, an_actor

NURSE = an_actor(Role.NURSE, name="Nguyễn Thị Hoa")


@pytest.fixture
async def visit(session: AsyncSession) -> VisitView:
    await a_hospital(session)
    return await a_visit(session)


def a_taking(visit: VisitView, **more: Any) -> TakeVitals:
    given: dict[str, Any] = {"id": new_id(), "visit_id": visit.id, "pulse": 82}
    return TakeVitals(**(given | more))


async def test_a_taking_is_kept_once(session: AsyncSession, visit: VisitView) -> None:
    command = a_taking(visit, temperature=36.8, systolic=120, diastolic=80, weight=52.5)
    first = await take_vitals(session, command, actor=NURSE, now=NOW)
    assert await take_vitals(session, command, actor=NURSE, now=NOW + timedelta(minutes=5)) == first
    (kept,) = await vitals_of_visit(session, visit.id)
    assert kept.words == [
        ("Mạch", "82 l/ph"),
        ("Nhiệt độ", "36,8 °C"),
        ("Huyết áp", "120/80 mmHg"),
        ("Cân nặng", "52,5 kg"),
    ]


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"pulse": None}, NothingMeasured),
        ({"systolic": 120}, WrongPressure),
        ({"systolic": 80, "diastolic": 120}, WrongPressure),
        ({"taken_at": NOW + timedelta(hours=1)}, WrongMoment),
        ({"taken_at": NOW - timedelta(days=2)}, WrongMoment),
        ({"visit_id": new_id()}, NoSuchVisit),
    ],
)
async def test_what_is_no_taking(
    session: AsyncSession, visit: VisitView, more: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await take_vitals(session, a_taking(visit, **more), actor=NURSE, now=NOW)


async def test_a_visit_that_is_over_takes_no_more(session: AsyncSession, visit: VisitView) -> None:
    await cancel_visit(session, visit.id, "Người bệnh về", actor=RECEPTION, now=NOW)
    with pytest.raises(VisitOver):
        await take_vitals(session, a_taking(visit), actor=NURSE, now=NOW)


async def test_an_id_names_one_taking(session: AsyncSession, visit: VisitView) -> None:
    first = await take_vitals(session, a_taking(visit), actor=NURSE, now=NOW)
    other = await a_visit(session)
    with pytest.raises(IdReused):
        await take_vitals(session, a_taking(other, id=first.id), actor=NURSE, now=NOW)


async def test_a_wrong_taking_is_voided_with_its_reason(session: AsyncSession, visit: VisitView) -> None:
    taken = await take_vitals(session, a_taking(visit), actor=NURSE, now=NOW)
    void = VoidVitals("Ghi nhầm người")
    await void_vitals(session, taken.id, void, actor=NURSE, now=NOW)
    assert await vitals_of_visit(session, visit.id) == []
    with pytest.raises(VitalsVoided):
        await void_vitals(session, taken.id, void, actor=NURSE, now=NOW)
    with pytest.raises(NoSuchVitals):
        await void_vitals(session, new_id(), void, actor=NURSE, now=NOW)


@pytest.mark.parametrize(
    ("typed", "figures"),
    [({"temperature": "36,8"}, {"temperature": 36.8}), ({"pulse": " 82 ", "weight": ""}, {"pulse": 82})],
)
def test_figures_are_read_as_they_are_typed(typed: dict[str, str], figures: dict[str, float]) -> None:
    assert read_figures(typed) == figures


@pytest.mark.parametrize(
    "typed", [{"pulse": "8o"}, {"pulse": "82,5"}, {"temperature": "98,6"}, {"spo2": "101"}]
)
def test_figures_nobody_can_have_are_refused_by_field(typed: dict[str, str]) -> None:
    with pytest.raises(BadFigures) as refusal:
        read_figures(typed)
    assert list(refusal.value.errors) == list(typed)


async def test_those_nobody_measured_come_first(session: AsyncSession, visit: VisitView) -> None:
    later = await a_visit(session, now=NOW + timedelta(minutes=3))
    await take_vitals(session, a_taking(visit), actor=NURSE, now=NOW)
    rows = await to_measure(session, now=NOW + timedelta(minutes=5))
    assert [(row.visit_id, row.taken_at) for row in rows] == [(later.id, None), (visit.id, NOW)]


async def test_the_nurses_page_leads_to_the_doctors_desk(
    client: httpx.AsyncClient, signed_in: SignedIn, session: AsyncSession
) -> None:
    await a_hospital(session)
    visit = await a_visit(session, now=utc_now())
    await signed_in(Role.NURSE, name="Nguyễn Thị Hoa")
    assert f"/triage/{visit.id}" in (await client.get("/triage")).text
    form = await client.get(f"/triage/{visit.id}")
    assert "Huyết áp tối đa" in form.text
    refused = await client.post(f"/triage/{visit.id}", data={"id": str(new_id()), "pulse": "999"})
    assert (refused.status_code, "ngoài khoảng 20–250" in refused.text) == (422, True)
    typed = {"id": str(new_id()), "pulse": "82", "temperature": "36,8", "systolic": "120", "diastolic": "80"}
    assert (await client.post(f"/triage/{visit.id}", data=typed)).status_code == 303
    assert "Đo lại" in (await client.get("/triage/rows")).text
    await session.execute(
        text("UPDATE emr_order SET state = 'RELEASED', released_at = now(), released_by = 'RULE'")
    )
    doctor = await signed_in(Role.DOCTOR)
    await start_visit(session, visit.id, actor=doctor, now=utc_now())
    desk = (await client.get(f"/workbench/visits/{visit.id}")).text
    assert "Nguyễn Thị Hoa" in desk
    assert 'name="PKB:mach" type="text" value="82"' in desk
    assert 'name="PKB:nhiet_do" type="text" value="36,8"' in desk
    listed = await client.get(f"/api/vitals/of-visit/{visit.id}")
    assert [taking["pulse"] for taking in listed.json()] == [82]


async def test_who_does_not_nurse_measures_nobody(
    client: httpx.AsyncClient, signed_in: SignedIn, visit: VisitView
) -> None:
    await signed_in(Role.CASHIER)
    assert (await client.get("/triage")).status_code == 403
    body = {"id": str(new_id()), "visit_id": str(visit.id), "pulse": 82}
    assert (await client.post("/api/vitals", json=body)).status_code == 403
    assert DOCTOR.has(Role.DOCTOR)
