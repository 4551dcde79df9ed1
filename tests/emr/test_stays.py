"""Stays and beds."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.rules import Outcome, Payer, Setting, VisitState
from emr.episodes.service import NoSuchVisit, get_episode
from emr.episodes.views import Admit, StayView, VisitView
from emr.once import IdReused
from emr.orders.rules import OrderState
from emr.orders.service import place_orders
from emr.orders.views import OrderLine, PlaceOrders
from emr.orders.work import orders_of_visit
from emr.places.service import NoSuchDepartment
from emr.stays.service import (
    AlreadyAdmitted,
    BedTaken,
    InvalidOutcome,
    NoSuchBed,
    NoSuchStay,
    StayOver,
    admit,
    beds_of,
    discharge,
    get_stay,
    open_stays,
    place_in_bed,
    stay_of_episode,
    stays_of_patient,
)
from emr.visits.service import UndoneOrders, VisitMoved, cancel_visit, get_visit, start_visit
from kernel.ids import new_id
from tests.conftest import RealDatabase
from tests.emr.builders import DOCTOR, LATER, NOW, RECEPTION, a_hospital, a_patient, a_visit


async def an_exam(session: AsyncSession, name: str = "Trần Thị Mẫu") -> VisitView:
    person = await a_patient(session, name=name)
    visit = await a_visit(session, patient_id=person.id, payer=Payer.BHYT)
    return await start_visit(session, visit.id, actor=DOCTOR, now=NOW)


def an_admission(visit: VisitView, bed: str | None = None) -> Admit:
    return Admit(id=new_id(), visit_id=visit.id, department="K02", reason="Theo dõi", bed=bed)


async def a_stay(session: AsyncSession, name: str = "Trần Thị Mẫu", bed: str | None = None) -> StayView:
    visit = await an_exam(session, name)
    return await admit(session, an_admission(visit, bed), actor=DOCTOR, now=NOW)


async def test_admission_ends_the_exam_and_keeps_the_episode_open(hospital: AsyncSession) -> None:
    stay = await a_stay(hospital, bed="B201-1")
    assert stay.number.startswith("NT26")
    assert (stay.bed, stay.department) == ("B201-1", "K02")
    visit = await get_visit(hospital, stay.visit_id)
    assert (visit.state, visit.outcome) == (VisitState.ENDED, Outcome.ADMITTED)
    assert (await get_episode(hospital, stay.episode_id)).closed_at is None
    [line] = await open_stays(hospital, department="K02")
    assert line.stay == stay
    assert await stay_of_episode(hospital, stay.episode_id) == stay


async def test_orders_of_a_stay_go_at_once(hospital: AsyncSession) -> None:
    stay = await a_stay(hospital)
    line = OrderLine(id=new_id(), service_code="XN02", on_demand=True)
    [order] = await place_orders(
        hospital, PlaceOrders(visit_id=stay.visit_id, lines=[line]), actor=DOCTOR, now=LATER
    )
    assert (order.setting, order.state) == (Setting.INPATIENT, OrderState.RELEASED)


async def test_discharge_frees_the_bed_and_closes_the_episode(hospital: AsyncSession) -> None:
    stay = await a_stay(hospital, bed="B201-1")
    ended = await discharge(hospital, stay.id, Outcome.HOME, actor=DOCTOR, now=LATER)
    assert (ended.bed, ended.outcome, ended.discharged_at) == (None, Outcome.HOME, LATER)
    assert (await get_episode(hospital, stay.episode_id)).closed_at == LATER
    other = await a_stay(hospital, "Lê Văn Khác")
    placed = await place_in_bed(hospital, other.id, "B201-1", actor=DOCTOR, now=LATER)
    assert placed.bed == "B201-1"
    assert [one.id for one in await stays_of_patient(hospital, stay.patient_id)] == [stay.id]


async def test_what_was_not_done_stands_in_the_way_of_discharge_or_is_voided(hospital: AsyncSession) -> None:
    """Else the person pays for a test nobody made."""
    stay = await a_stay(hospital)
    line = OrderLine(id=new_id(), service_code="XN02")
    await place_orders(hospital, PlaceOrders(visit_id=stay.visit_id, lines=[line]), actor=DOCTOR, now=LATER)
    with pytest.raises(UndoneOrders, match="Còn chỉ định chưa làm"):
        await discharge(hospital, stay.id, Outcome.HOME, actor=DOCTOR, now=LATER)
    ended = await discharge(hospital, stay.id, Outcome.HOME, actor=DOCTOR, now=LATER, void_undone=True)
    assert ended.outcome == Outcome.HOME
    [order] = [one for one in await orders_of_visit(hospital, stay.visit_id) if one.id == line.id]
    assert order.state == OrderState.VOIDED


async def test_a_person_changes_beds(hospital: AsyncSession) -> None:
    stay = await a_stay(hospital, bed="B201-1")
    moved = await place_in_bed(hospital, stay.id, "B201-2", actor=DOCTOR, now=LATER)
    again = await place_in_bed(hospital, stay.id, "B201-2", actor=DOCTOR, now=LATER)
    assert moved == again
    lying = {bed.code: bed.patient_name for bed in await beds_of(hospital, "K02")}
    assert lying == {"B201-1": None, "B201-2": "Trần Thị Mẫu"}


async def test_a_taken_bed_is_refused_and_the_person_stays_where_they_were(hospital: AsyncSession) -> None:
    await a_stay(hospital, bed="B201-1")
    stay = await a_stay(hospital, "Lê Văn Khác", bed="B201-2")
    with pytest.raises(BedTaken):
        async with hospital.begin_nested():
            await place_in_bed(hospital, stay.id, "B201-1", actor=DOCTOR, now=LATER)
    assert (await get_stay(hospital, stay.id)).bed == "B201-2"


async def test_two_people_taking_one_bed_at_once(real_db: RealDatabase) -> None:
    async with real_db.sessions.begin() as session:
        await a_hospital(session)
        stays = [await a_stay(session, "Người A"), await a_stay(session, "Người B")]

    async def place(stay: StayView) -> StayView:
        async with real_db.sessions.begin() as session:
            return await place_in_bed(session, stay.id, "B201-1", actor=DOCTOR, now=LATER)

    answers = await asyncio.gather(*(place(stay) for stay in stays), return_exceptions=True)
    assert sum(isinstance(answer, StayView) for answer in answers) == 1
    assert sum(isinstance(answer, BedTaken) for answer in answers) == 1


async def test_sending_an_admission_twice_admits_once(hospital: AsyncSession) -> None:
    visit = await an_exam(hospital)
    command = an_admission(visit)
    first = await admit(hospital, command, actor=DOCTOR, now=NOW)
    assert await admit(hospital, command, actor=DOCTOR, now=LATER) == first
    other = Admit(id=command.id, visit_id=visit.id, department="K01")
    with pytest.raises(IdReused):
        await admit(hospital, other, actor=DOCTOR, now=LATER)


async def test_refused_admissions(hospital: AsyncSession) -> None:
    stay = await a_stay(hospital)
    second = await a_visit(hospital, patient_id=stay.patient_id, room="PK2", payer=Payer.BHYT)
    with pytest.raises(AlreadyAdmitted):
        await admit(hospital, an_admission(second), actor=DOCTOR, now=LATER)
    cancelled = await cancel_visit(hospital, second.id, "Nhầm", actor=RECEPTION, now=LATER)
    with pytest.raises(VisitMoved):
        await admit(hospital, an_admission(cancelled), actor=DOCTOR, now=LATER)
    with pytest.raises(NoSuchVisit):
        await admit(hospital, Admit(id=new_id(), visit_id=new_id(), department="K02"), actor=DOCTOR, now=NOW)
    other = await an_exam(hospital, "Lê Văn Khác")
    with pytest.raises(NoSuchDepartment):
        await admit(hospital, Admit(id=new_id(), visit_id=other.id, department="K99"), actor=DOCTOR, now=NOW)


async def test_forbidden_moves_of_a_stay(hospital: AsyncSession) -> None:
    stay = await a_stay(hospital)
    with pytest.raises(NoSuchBed):
        await place_in_bed(hospital, stay.id, "B999", actor=DOCTOR, now=LATER)
    with pytest.raises(InvalidOutcome):
        await discharge(hospital, stay.id, Outcome.ADMITTED, actor=DOCTOR, now=LATER)
    await discharge(hospital, stay.id, Outcome.HOME, actor=DOCTOR, now=LATER)
    for act in (
        discharge(hospital, stay.id, Outcome.HOME, actor=DOCTOR, now=LATER),
        place_in_bed(hospital, stay.id, "B201-1", actor=DOCTOR, now=LATER),
    ):
        with pytest.raises(StayOver):
            await act
    for call in (
        get_stay(hospital, new_id()),
        discharge(hospital, new_id(), Outcome.HOME, actor=DOCTOR, now=LATER),
    ):
        with pytest.raises(NoSuchStay):
            await call
