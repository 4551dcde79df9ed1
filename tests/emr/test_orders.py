"""Orders: placed, released, done, reported, approved, voided; credit by the leader on duty."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.service import NoSuchService
from emr.episodes.rules import Outcome, Payer
from emr.episodes.service import NoSuchEpisode, NoSuchVisit
from emr.episodes.views import Credit, VisitView
from emr.once import IdReused
from emr.orders.credit import NotLeaderOnDuty, grant_credit
from emr.orders.results import (
    InvalidResult,
    SelfApproval,
    approve_result,
    begin_order,
    finish_order,
    order_with_result,
    report_result,
    results_of,
)
from emr.orders.rules import OrderState, Priority, ReleasedBy, abnormal, measured
from emr.orders.service import (
    NoSuchOrder,
    NotReleased,
    NotYourOrder,
    OrderMoved,
    VisitClosed,
    orders_by_id,
    place_orders,
    release_orders,
    void_order,
)
from emr.orders.views import OrderLine, OrderView, PlaceOrders, ReportResult, VoidOrder
from emr.orders.work import orders_of_episode, orders_of_patient, work_list
from emr.places.models import Duty
from emr.visits.service import end_visit, start_visit
from kernel.audit.api import entries_of_patient
from kernel.clock import local_day
from kernel.ids import new_id
from kernel.staff.api import Role
from tests.conftest import SignedIn
from tests.emr.builders import DOCTOR, LAB, LATER, NOW, a_visit, an_actor

HEAD = an_actor(Role.HEAD, name="Trưởng khoa")


async def an_exam(session: AsyncSession, payer: Payer = Payer.BHYT) -> VisitView:
    visit = await a_visit(session, payer=payer)
    if payer is not Payer.BHYT:
        exams = [order.id for order in await orders_of_episode(session, visit.episode_id)]
        await release_orders(session, exams, now=NOW)
    return await start_visit(session, visit.id, actor=DOCTOR, now=NOW)


async def an_order(
    session: AsyncSession, code: str = "XN01", *, payer: Payer = Payer.BHYT, **line: Any
) -> OrderView:
    visit = await an_exam(session, payer)
    one = OrderLine(id=new_id(), service_code=code, **line)
    command = PlaceOrders(visit_id=visit.id, lines=[one])
    return (await place_orders(session, command, actor=DOCTOR, now=NOW))[0]


def a_result(**more: Any) -> ReportResult:
    given: dict[str, Any] = {"value": "5,4"}
    return ReportResult(id=new_id(), **(given | more))


async def test_an_insured_test_may_be_done_at_once(hospital: AsyncSession) -> None:
    order = await an_order(hospital)
    assert order.number.startswith("CD26")
    assert (order.state, order.released_by, order.room) == (OrderState.RELEASED, ReleasedBy.RULE, "XN1")


@pytest.mark.parametrize(
    ("code", "line"), [("XN02", {}), ("XN01", {"on_demand": True}), ("XN01", {"in_scope": False})]
)
async def test_lines_the_fund_does_not_pay_wait_for_the_till(
    hospital: AsyncSession, code: str, line: dict[str, Any]
) -> None:
    order = await an_order(hospital, code, **line)
    assert order.state is OrderState.HELD
    for act in (
        begin_order(hospital, order.id, actor=LAB, now=NOW),
        report_result(hospital, order.id, a_result(), actor=LAB, now=NOW),
        finish_order(hospital, order.id, actor=LAB, now=NOW),
    ):
        with pytest.raises(NotReleased, match="quầy thu viện phí"):
            await act
    assert await release_orders(hospital, [order.id], now=LATER) == [order.id]
    assert (await begin_order(hospital, order.id, actor=LAB, now=LATER)).state is OrderState.DOING


async def test_placing_the_same_lines_twice_places_them_once(hospital: AsyncSession) -> None:
    visit = await an_exam(hospital)
    line = OrderLine(id=new_id(), service_code="XN01")
    first = await place_orders(hospital, PlaceOrders(visit_id=visit.id, lines=[line]), actor=DOCTOR, now=NOW)
    again = await place_orders(
        hospital, PlaceOrders(visit_id=visit.id, lines=[line]), actor=DOCTOR, now=LATER
    )
    assert first == again
    other = OrderLine(id=line.id, service_code="XN02")
    with pytest.raises(IdReused):
        await place_orders(hospital, PlaceOrders(visit_id=visit.id, lines=[other]), actor=DOCTOR, now=NOW)


async def test_orders_need_a_visit_that_is_open_and_a_service_that_exists(hospital: AsyncSession) -> None:
    visit = await an_exam(hospital)
    line = OrderLine(id=new_id(), service_code="XN01")
    with pytest.raises(NoSuchVisit):
        await place_orders(hospital, PlaceOrders(visit_id=new_id(), lines=[line]), actor=DOCTOR, now=NOW)
    unknown = PlaceOrders(visit_id=visit.id, lines=[OrderLine(id=new_id(), service_code="XX")])
    with pytest.raises(NoSuchService):
        await place_orders(hospital, unknown, actor=DOCTOR, now=NOW)
    await end_visit(hospital, visit.id, Outcome.HOME, actor=DOCTOR, now=LATER)
    with pytest.raises(VisitClosed):
        await place_orders(hospital, PlaceOrders(visit_id=visit.id, lines=[line]), actor=DOCTOR, now=LATER)


async def test_a_result_stands_unapproved_until_somebody_else_approves(hospital: AsyncSession) -> None:
    order = await an_order(hospital)
    reported = await report_result(hospital, order.id, a_result(value="7,2"), actor=LAB, now=LATER)
    assert reported.state is OrderState.REPORTED
    assert reported.result is not None
    assert (reported.result.value, reported.result.unit, reported.result.abnormal) == ("7.2", "mmol/L", "H")
    assert reported.result.reported_by == LAB.name
    with pytest.raises(SelfApproval):
        await approve_result(hospital, order.id, actor=LAB, now=LATER)
    done = await approve_result(hospital, order.id, actor=HEAD, now=LATER)
    assert (done.state, done.approved_by) == (OrderState.DONE, HEAD.name)


async def test_a_corrected_result_is_a_new_version_to_approve_again(hospital: AsyncSession) -> None:
    order = await an_order(hospital)
    first = a_result()
    await report_result(hospital, order.id, first, actor=LAB, now=NOW)
    again = await report_result(hospital, order.id, first, actor=LAB, now=LATER)
    assert again.result is not None
    assert again.result.version == 1
    await approve_result(hospital, order.id, actor=HEAD, now=LATER)
    with pytest.raises(InvalidResult) as refusal:
        await report_result(hospital, order.id, a_result(value="9"), actor=LAB, now=LATER)
    assert refusal.value.field == "reason"
    corrected = await report_result(
        hospital, order.id, a_result(value="9", reason="Nhầm mẫu"), actor=LAB, now=LATER
    )
    assert (corrected.state, corrected.approved_by) == (OrderState.REPORTED, None)
    assert [one.value for one in await results_of(hospital, order.id)] == ["9", "5.4"]


@pytest.mark.parametrize(
    ("result", "field"),
    [
        (ReportResult(id=new_id()), "text"),
        (ReportResult(id=new_id(), value="cao"), "value"),
        (ReportResult(id=new_id(), value="NaN"), "value"),
        (ReportResult(id=new_id(), text="x", measured_at=NOW + timedelta(hours=1)), "measured_at"),
    ],
)
async def test_refused_results_name_the_field(
    hospital: AsyncSession, result: ReportResult, field: str
) -> None:
    order = await an_order(hospital)
    with pytest.raises(InvalidResult) as refusal:
        await report_result(hospital, order.id, result, actor=LAB, now=NOW)
    assert refusal.value.field == field


async def test_a_result_id_belongs_to_one_order(hospital: AsyncSession) -> None:
    first = await an_order(hospital)
    second = await an_order(hospital)
    result = a_result()
    await report_result(hospital, first.id, result, actor=LAB, now=NOW)
    with pytest.raises(IdReused):
        await report_result(hospital, second.id, result, actor=LAB, now=NOW)
    with pytest.raises(InvalidResult):
        await approve_result(hospital, second.id, actor=HEAD, now=NOW)


async def test_voiding_is_for_who_ordered_and_before_it_is_begun(hospital: AsyncSession) -> None:
    order = await an_order(hospital)
    why = VoidOrder(reason="Chỉ định nhầm")
    with pytest.raises(NotYourOrder):
        await void_order(hospital, order.id, why, actor=an_actor(Role.DOCTOR), now=NOW)
    voided = await void_order(hospital, order.id, why, actor=HEAD, now=NOW)
    assert voided.state is OrderState.VOIDED
    for act in (
        void_order(hospital, order.id, why, actor=DOCTOR, now=NOW),
        begin_order(hospital, order.id, actor=LAB, now=NOW),
        report_result(hospital, order.id, a_result(), actor=LAB, now=NOW),
    ):
        with pytest.raises(OrderMoved):
            await act
    assert await release_orders(hospital, [order.id], now=NOW) == []
    begun = await an_order(hospital)
    await begin_order(hospital, begun.id, actor=LAB, now=NOW)
    with pytest.raises(OrderMoved):
        await void_order(hospital, begun.id, why, actor=DOCTOR, now=NOW)
    with pytest.raises(NoSuchOrder):
        await void_order(hospital, new_id(), why, actor=DOCTOR, now=NOW)


async def test_a_procedure_ends_without_a_result(hospital: AsyncSession) -> None:
    order = await an_order(hospital, "TT01")
    assert (await finish_order(hospital, order.id, actor=LAB, now=NOW)).state is OrderState.DONE
    with pytest.raises(OrderMoved):
        await finish_order(hospital, order.id, actor=LAB, now=NOW)


async def test_credit_is_for_the_leader_on_duty(hospital: AsyncSession, signed_in: SignedIn) -> None:
    order = await an_order(hospital, payer=Payer.SELF_PAY)
    leader = await signed_in(Role.DIRECTOR)
    why = Credit(reason="Người bệnh chưa có tiền, bệnh cần làm ngay")
    with pytest.raises(NotLeaderOnDuty):
        await grant_credit(hospital, order.episode_id, why, actor=leader, now=NOW)
    turn = {
        "id": new_id(),
        "day": local_day(NOW),
        "kind": "LEADER",
        "department_code": "K01",
        "staff_id": leader.id,
        "starts_at": NOW - timedelta(hours=1),
        "ends_at": NOW + timedelta(hours=1),
    }
    await hospital.execute(insert(Duty), [turn])
    assert await grant_credit(hospital, order.episode_id, why, actor=leader, now=NOW) == [order.id]
    assert await grant_credit(hospital, order.episode_id, why, actor=leader, now=NOW) == []
    [released] = await orders_by_id(hospital, [order.id])
    assert (released.state, released.released_by) == (OrderState.RELEASED, ReleasedBy.CREDIT)
    later = OrderLine(id=new_id(), service_code="XN02")
    [more] = await place_orders(
        hospital, PlaceOrders(visit_id=order.visit_id, lines=[later]), actor=DOCTOR, now=NOW
    )
    assert more.released_by is ReleasedBy.CREDIT
    with pytest.raises(NotLeaderOnDuty):
        await grant_credit(hospital, order.episode_id, why, actor=leader, now=NOW + timedelta(hours=2))
    with pytest.raises(NoSuchEpisode):
        await grant_credit(hospital, new_id(), why, actor=leader, now=NOW)


async def test_the_work_list_shows_what_may_be_done_emergencies_first(hospital: AsyncSession) -> None:
    routine = await an_order(hospital)
    held = await an_order(hospital, "XN02")
    urgent = await an_order(hospital, priority=Priority.EMERGENCY)
    lines = await work_list(hospital, day=local_day(NOW), room="XN1")
    assert [line.id for line in lines] == [urgent.id, routine.id]
    assert held.id not in [line.id for line in lines]
    await report_result(hospital, routine.id, a_result(), actor=LAB, now=NOW)
    lines = await work_list(hospital, day=local_day(NOW), kinds=("LAB",))
    assert [(line.state, line.result is not None) for line in lines] == [
        ("RELEASED", False),
        ("REPORTED", True),
    ]


async def test_every_step_of_an_order_is_audited(hospital: AsyncSession) -> None:
    order = await an_order(hospital)
    await report_result(hospital, order.id, a_result(), actor=LAB, now=NOW)
    await approve_result(hospital, order.id, actor=HEAD, now=NOW)
    entries = await entries_of_patient(hospital, order.patient_id)
    mine = [entry.action for entry in reversed(entries) if entry.subject == f"emr.order:{order.id}"]
    assert mine == ["create", "change", "create", "change"]
    assert (await orders_of_patient(hospital, order.patient_id))[0].id == order.id
    assert (await order_with_result(hospital, order.id)).state is OrderState.DONE


@pytest.mark.parametrize(
    ("value", "flag"), [("6,5", "H"), ("3.8", "L"), ("5", ""), (None, ""), ("âm tính", "")]
)
def test_numbers_outside_the_range_are_flagged(value: str | None, flag: str) -> None:
    assert abnormal(value, low="3.9", high="6.4") == flag


def test_only_finite_numbers_are_measured() -> None:
    assert str(measured(" 5,40 ")) == "5.40"
    assert [measured(text) for text in ("", "x", "inf", "NaN", "1.2.3")] == [None] * 5
