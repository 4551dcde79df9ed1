"""Visits: opened with their episode, exam order and number; begun, ended, cancelled."""

import asyncio
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.service import NoSuchService
from emr.episodes.rules import (
    NEXT,
    IdentifiedBy,
    Outcome,
    Payer,
    QueuePriority,
    VisitState,
    joins_episode,
    may_move,
    proposed_priority,
)
from emr.episodes.service import NoSuchVisit, get_episode, visit_header
from emr.episodes.views import Guardian, OpenVisit, VisitView
from emr.events import OrderPlaced, OrderVoided, VisitEnded, VisitOpened
from emr.once import IdReused
from emr.orders.rules import OrderState, ReleasedBy
from emr.orders.service import NotReleased, place_orders, release_orders
from emr.orders.views import OrderLine, PlaceOrders
from emr.orders.work import orders_of_visit
from emr.patients.service import NoSuchPatient
from emr.places.service import NoSuchRoom
from emr.visits.insurance import InvalidVisit
from emr.visits.service import (
    AlreadyWaiting,
    NotAdmitted,
    UndoneOrders,
    VisitMoved,
    VisitTaken,
    cancel_visit,
    end_visit,
    get_visit,
    open_visit,
    patient_history,
    start_visit,
)
from kernel.audit.api import entries_of_patient
from kernel.ids import new_id
from kernel.outbox.api import isolated_registry, on
from tests.conftest import RealDatabase
from tests.emr.builders import (
    DOCTOR,
    LATER,
    NOW,
    RECEPTION,
    a_card,
    a_hospital,
    a_patient,
    a_visit,
    an_actor,
    an_opening,
)


async def a_started_visit(session: AsyncSession, **more: Any) -> VisitView:
    visit = await a_visit(session, **({"payer": Payer.BHYT} | more))
    return await start_visit(session, visit.id, actor=DOCTOR, now=NOW)


async def test_opening_a_visit_gives_an_episode_an_exam_order_and_a_number(hospital: AsyncSession) -> None:
    visit = await a_visit(hospital, payer=Payer.BHYT, identified_by=IdentifiedBy.QR_CCCD)
    assert visit.number.startswith("KB26")
    assert visit.episode_code.startswith("DK26")
    assert visit.ticket is not None
    assert (visit.ticket.number, visit.ticket.ready, visit.department) == (1, True, "K01")
    [exam] = await orders_of_visit(hospital, visit.id)
    assert (exam.service_code, exam.state, exam.released_by) == ("KB01", OrderState.RELEASED, ReleasedBy.RULE)
    assert await get_visit(hospital, visit.id) == visit
    header = await visit_header(hospital, visit.id)
    assert (header.name, header.visit_number, header.payer) == ("Trần Thị Mẫu", visit.number, Payer.BHYT)
    actions = [entry.action for entry in await entries_of_patient(hospital, visit.patient_id)]
    assert actions == ["create", "create", "create"]  # chart, visit, exam order


async def test_opening_a_visit_tells_higher_packages_in_order(hospital: AsyncSession) -> None:
    with isolated_registry():
        for event in (VisitOpened, OrderPlaced, OrderVoided, VisitEnded):
            on(event, name=f"test.{event.__name__}")(_ignore)
        visit = await a_started_visit(hospital)
        await end_visit(hospital, visit.id, Outcome.HOME, actor=DOCTOR, now=LATER)
    kinds = await hospital.scalars(text("SELECT kind FROM kernel_job ORDER BY id"))
    assert list(kinds) == ["test.VisitOpened", "test.OrderPlaced", "test.VisitEnded"]


async def _ignore(*_: object) -> None:
    return None


async def test_a_self_payer_is_not_ready_before_the_exam_fee(hospital: AsyncSession) -> None:
    visit = await a_visit(hospital)
    assert visit.ticket is not None
    assert not visit.ticket.ready
    with pytest.raises(NotReleased):
        await start_visit(hospital, visit.id, actor=DOCTOR, now=NOW)
    [exam] = await orders_of_visit(hospital, visit.id)
    assert await release_orders(hospital, [exam.id], now=NOW) == [exam.id]
    assert await release_orders(hospital, [exam.id], now=NOW) == []
    again = await get_visit(hospital, visit.id)
    assert again.ticket is not None
    assert again.ticket.ready
    started = await start_visit(hospital, visit.id, actor=DOCTOR, now=NOW)
    assert (started.state, started.doctor_name) == (VisitState.IN_PROGRESS, DOCTOR.name)


async def test_an_emergency_room_waits_for_nothing(hospital: AsyncSession) -> None:
    child = await a_patient(hospital, birth_date=date(2020, 1, 1))
    visit = await a_visit(hospital, patient_id=child.id, room="CC1", priority=QueuePriority.EMERGENCY)
    assert visit.ticket is not None
    assert visit.ticket.ready


async def test_sending_an_opening_twice_opens_one_visit(hospital: AsyncSession) -> None:
    command = an_opening((await a_patient(hospital)).id)
    first = await open_visit(hospital, command, actor=RECEPTION, now=NOW)
    assert await open_visit(hospital, command, actor=RECEPTION, now=LATER) == first
    other = an_opening(command.patient_id, id=command.id, room="PK2")
    with pytest.raises(IdReused):
        await open_visit(hospital, other, actor=RECEPTION, now=LATER)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"payer": Payer.BHYT, "insurance": None}, "insurance"),
        ({"payer": Payer.BHYT, "insurance": a_card(valid_to=date(2026, 11, 20))}, "insurance"),
        ({"payer": Payer.BHYT, "insurance": a_card(valid_from=date(2026, 11, 22))}, "insurance"),
        ({"room": "XN1"}, "room"),
    ],
)
async def test_refused_openings_name_the_field(
    hospital: AsyncSession, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidVisit) as refusal:
        await a_visit(hospital, **changes)
    assert refusal.value.field == field


async def test_a_silent_portal_does_not_stop_reception(hospital: AsyncSession) -> None:
    card = a_card(valid_to=date(2026, 1, 1), portal_down="Cổng không trả lời lúc 09:00")
    visit = await a_visit(hospital, payer=Payer.BHYT, insurance=card)
    assert visit.insurance == card


async def test_a_child_comes_with_a_guardian(hospital: AsyncSession) -> None:
    child = await a_patient(hospital, birth_date=date(2015, 1, 1))
    with pytest.raises(InvalidVisit) as refusal:
        await a_visit(hospital, patient_id=child.id)
    assert refusal.value.field == "guardian"
    guardian = Guardian(name="Trần Văn Cha", relation="Cha", phone="0901234567")
    visit = await a_visit(hospital, patient_id=child.id, guardian=guardian)
    assert (await visit_header(hospital, visit.id)).guardian == guardian


async def test_absent_things_are_refused(hospital: AsyncSession) -> None:
    patient = await a_patient(hospital)
    with pytest.raises(NoSuchPatient):
        await a_visit(hospital, patient_id=new_id())
    with pytest.raises(NoSuchRoom):
        await a_visit(hospital, patient_id=patient.id, room="PK9")
    with pytest.raises(NoSuchService):
        await a_visit(hospital, patient_id=patient.id, service_code="KB99")
    for call in (
        get_visit(hospital, new_id()),
        start_visit(hospital, new_id(), actor=DOCTOR, now=NOW),
        end_visit(hospital, new_id(), Outcome.HOME, actor=DOCTOR, now=NOW),
        visit_header(hospital, new_id()),
    ):
        with pytest.raises(NoSuchVisit):
            await call


async def test_a_second_visit_in_one_room_is_refused_and_in_another_shares_the_episode(
    hospital: AsyncSession,
) -> None:
    first = await a_visit(hospital)
    with pytest.raises(AlreadyWaiting):
        await a_visit(hospital, patient_id=first.patient_id)
    second = await a_visit(hospital, patient_id=first.patient_id, room="PK2")
    assert second.episode_id == first.episode_id
    tomorrow = await a_visit(
        hospital, patient_id=first.patient_id, room="CC1", now=NOW + timedelta(days=1), insurance=None
    )
    assert tomorrow.episode_id != first.episode_id


async def test_two_rooms_opened_at_once_share_one_episode(real_db: RealDatabase) -> None:
    async with real_db.sessions.begin() as session:
        await a_hospital(session)
        patient = await a_patient(session)

    async def opened(room: str) -> VisitView:
        async with real_db.sessions.begin() as session:
            command = an_opening(patient.id, room=room)
            return await open_visit(session, command, actor=RECEPTION, now=NOW)

    first, second = await asyncio.gather(opened("PK1"), opened("PK2"))
    assert first.episode_id == second.episode_id


async def test_tickets_have_no_gaps_under_contention(real_db: RealDatabase) -> None:
    async with real_db.sessions.begin() as session:
        await a_hospital(session)
        people = [await a_patient(session, name=f"Người {letter}") for letter in "ABCDEFGH"]

    async def opened(command: OpenVisit, *, fail: bool) -> int | None:
        try:
            async with real_db.sessions.begin() as session:
                visit = await open_visit(session, command, actor=RECEPTION, now=NOW)
                assert visit.ticket
                if fail:
                    raise RuntimeError
                return visit.ticket.number
        except RuntimeError:
            return None

    numbers = await asyncio.gather(
        *(opened(an_opening(person.id), fail=i % 4 == 0) for i, person in enumerate(people))
    )
    assert sorted(number for number in numbers if number) == [1, 2, 3, 4, 5, 6]


async def test_ending_the_last_visit_closes_the_episode(hospital: AsyncSession) -> None:
    first = await a_started_visit(hospital)
    second = await a_started_visit(hospital, patient_id=first.patient_id, room="PK2")
    await end_visit(hospital, first.id, Outcome.HOME, actor=DOCTOR, now=LATER)
    assert (await get_episode(hospital, first.episode_id)).closed_at is None
    ended = await end_visit(hospital, second.id, Outcome.HOME, actor=DOCTOR, now=LATER)
    assert (await get_episode(hospital, first.episode_id)).closed_at == LATER
    assert (ended.state, ended.outcome) == (VisitState.ENDED, Outcome.HOME)
    assert ended.ticket is not None
    assert ended.ticket.state == "DONE"
    exam = (await orders_of_visit(hospital, second.id))[0]
    assert exam.state is OrderState.DONE
    assert [visit.id for visit in await patient_history(hospital, first.patient_id)][-1] in (
        first.id,
        second.id,
    )


async def test_undone_orders_are_decided_on_before_the_end(hospital: AsyncSession) -> None:
    visit = await a_started_visit(hospital)
    lines = [OrderLine(id=new_id(), service_code="XN01"), OrderLine(id=new_id(), service_code="XN02")]
    await place_orders(hospital, PlaceOrders(visit_id=visit.id, lines=lines), actor=DOCTOR, now=NOW)
    with pytest.raises(UndoneOrders, match="Glucose"):
        async with hospital.begin_nested():
            await end_visit(hospital, visit.id, Outcome.HOME, actor=DOCTOR, now=LATER)
    await end_visit(hospital, visit.id, Outcome.HOME, actor=DOCTOR, now=LATER, void_undone=True)
    states = {order.service_code: order.state for order in await orders_of_visit(hospital, visit.id)}
    assert states == {"KB01": OrderState.DONE, "XN01": OrderState.VOIDED, "XN02": OrderState.VOIDED}


async def test_orders_that_wait_for_the_till_vanish_with_the_visit(hospital: AsyncSession) -> None:
    visit = await a_started_visit(hospital)
    line = OrderLine(id=new_id(), service_code="XN02")  # outside the fund's scope
    await place_orders(hospital, PlaceOrders(visit_id=visit.id, lines=[line]), actor=DOCTOR, now=NOW)
    await end_visit(hospital, visit.id, Outcome.HOME, actor=DOCTOR, now=LATER)
    assert (await orders_of_visit(hospital, visit.id))[1].state is OrderState.VOIDED


async def test_a_cancelled_visit_takes_its_order_and_number_along(hospital: AsyncSession) -> None:
    visit = await a_visit(hospital)
    cancelled = await cancel_visit(hospital, visit.id, "Người bệnh bỏ về", actor=RECEPTION, now=LATER)
    assert cancelled.state is VisitState.CANCELLED
    assert cancelled.ticket is not None
    assert cancelled.ticket.state == "CANCELLED"
    assert (await orders_of_visit(hospital, visit.id))[0].state is OrderState.VOIDED
    assert (await get_episode(hospital, visit.episode_id)).closed_at == LATER


async def test_forbidden_moves_of_a_visit(hospital: AsyncSession) -> None:
    visit = await a_started_visit(hospital)
    assert await start_visit(hospital, visit.id, actor=DOCTOR, now=LATER) == visit
    with pytest.raises(VisitTaken):
        await start_visit(hospital, visit.id, actor=an_actor(), now=LATER)
    with pytest.raises(VisitMoved):
        await cancel_visit(hospital, visit.id, "Nhầm", actor=RECEPTION, now=LATER)
    with pytest.raises(NotAdmitted):
        await end_visit(hospital, visit.id, Outcome.ADMITTED, actor=DOCTOR, now=LATER)
    await end_visit(hospital, visit.id, Outcome.HOME, actor=DOCTOR, now=LATER)
    with pytest.raises(VisitMoved):
        await end_visit(hospital, visit.id, Outcome.HOME, actor=DOCTOR, now=LATER)
    with pytest.raises(VisitMoved):
        await cancel_visit(hospital, visit.id, "Nhầm", actor=RECEPTION, now=LATER)


@pytest.mark.parametrize(("old", "new"), list(product(VisitState, VisitState)))
def test_visits_move_only_forward(old: VisitState, new: VisitState) -> None:
    allowed = {("WAITING", "IN_PROGRESS"), ("WAITING", "CANCELLED"), ("IN_PROGRESS", "ENDED")}
    assert may_move(old, new) == ((old.value, new.value) in allowed)
    assert set(NEXT) == set(VisitState)


@pytest.mark.parametrize(
    ("birth", "priority"),
    [
        (date(2021, 11, 22), QueuePriority.PRIORITY),
        (date(2020, 11, 21), QueuePriority.NORMAL),
        (date(1946, 11, 21), QueuePriority.PRIORITY),
        (date(1946, 11, 22), QueuePriority.NORMAL),
    ],
)
def test_small_children_and_the_old_are_proposed_first(birth: date, priority: QueuePriority) -> None:
    assert proposed_priority(birth, date(2026, 11, 21)) is priority


def test_an_episode_is_joined_on_its_day_or_while_a_stay_is_open() -> None:
    day, before = date(2026, 11, 21), date(2026, 11, 20)
    assert joins_episode(opened_on=day, today=day, stay_open=False)
    assert not joins_episode(opened_on=before, today=day, stay_open=False)
    assert joins_episode(opened_on=before, today=day, stay_open=True)
