"""The three payers, from reception to settlement, through the events of emr."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.service import account_of
from billing.bills.service import bill
from billing.bills.views import AccountState
from billing.care.rules import insured_by
from billing.requests.service import get_request, requests_of_episode
from billing.settings import BillingSettings
from billing.till.service import work_list
from billing.webhooks.service import match_at_once, take_notice
from emr.api import (
    OrderLine,
    OrderState,
    Outcome,
    Payer,
    PlaceOrders,
    ReportResult,
    VisitView,
    VoidOrder,
    end_visit,
    orders_of_visit,
    place_orders,
    report_result,
    start_visit,
    void_order,
)
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.outbox.api import drain
from tests.billing.builders import SETTINGS, a_delivery, a_request, some_prices
from tests.conftest import RealDatabase
from tests.emr.builders import DOCTOR, LAB, a_card, a_hospital, a_visit


async def work(db: RealDatabase) -> None:
    """Let the jobs run; papers and invoices of other tests' concern may fail."""
    await drain(db.app.state.services, raises=False)


async def a_visit_in(db: RealDatabase, payer: Payer, **more: Any) -> VisitView:
    async with db.sessions.begin() as session:
        await a_hospital(session)
        await some_prices(session)
        visit = await a_visit(session, now=utc_now(), payer=payer, **more)
    await work(db)
    return visit


async def pay(db: RealDatabase, episode: UUID) -> None:
    async with db.sessions.begin() as session:
        request = await a_request(session, episode)
    result = await take_notice(
        db.sessions, a_delivery(request.amount, request.reference), settings=SETTINGS, now=utc_now()
    )
    assert result.transaction_id
    await match_at_once(db.sessions, result.transaction_id, settings=SETTINGS)
    await work(db)


async def order(db: RealDatabase, visit: VisitView, code: str, quantity: int = 1) -> UUID:
    line = OrderLine(new_id(), code, quantity)
    async with db.sessions.begin() as session:
        await place_orders(session, PlaceOrders(visit.id, [line]), actor=DOCTOR, now=utc_now())
    await work(db)
    return line.id


async def states(session: AsyncSession, visit: VisitView) -> list[OrderState]:
    return [one.state for one in await orders_of_visit(session, visit.id)]


async def finish(db: RealDatabase, visit: VisitView) -> None:
    async with db.sessions.begin() as session:
        await end_visit(session, visit.id, Outcome.HOME, actor=DOCTOR, now=utc_now(), void_undone=True)
    await work(db)


async def test_self_pay_waits_for_the_till_and_goes_on_when_paid(real_db: RealDatabase) -> None:
    visit = await a_visit_in(real_db, Payer.SELF_PAY)
    async with real_db.sessions.begin() as session:
        assert await states(session, visit) == [OrderState.HELD]
        assert [(row.due, row.ended) for row in await work_list(session, now=utc_now())] == [(150_000, False)]
    await pay(real_db, visit.episode_id)
    async with real_db.sessions.begin() as session:
        assert await states(session, visit) == [OrderState.RELEASED]
        assert await work_list(session, now=utc_now()) == []
        await start_visit(session, visit.id, actor=DOCTOR, now=utc_now())
    await order(real_db, visit, "XN01")
    async with real_db.sessions.begin() as session:
        assert sorted(await states(session, visit)) == [OrderState.DOING, OrderState.HELD]
    await pay(real_db, visit.episode_id)
    async with real_db.sessions.begin() as session:
        assert OrderState.HELD not in await states(session, visit)
    await finish(real_db, visit)
    async with real_db.sessions.begin() as session:
        view = await bill(session, visit.episode_id, now=utc_now())
    assert view.state == "SETTLED"


async def test_insured_below_the_threshold_owes_nothing_and_settles_at_zero(real_db: RealDatabase) -> None:
    visit = await a_visit_in(real_db, Payer.BHYT)
    async with real_db.sessions.begin() as session:
        assert await states(session, visit) == [OrderState.RELEASED]
        view = await bill(session, visit.episode_id, now=utc_now())
        assert (view.total, view.payable, view.remaining) == (50_600, 0, 0)
        assert view.small_cost
        await start_visit(session, visit.id, actor=DOCTOR, now=utc_now())
    await finish(real_db, visit)
    async with real_db.sessions.begin() as session:
        settled = await bill(session, visit.episode_id, now=utc_now())
    assert (settled.state, settled.paid, int(settled.fund)) == (AccountState.SETTLED, 0, 50_600)


async def test_one_more_test_makes_everything_co_paid(real_db: RealDatabase) -> None:
    visit = await a_visit_in(real_db, Payer.BHYT)
    async with real_db.sessions.begin() as session:
        await start_visit(session, visit.id, actor=DOCTOR, now=utc_now())
    placed = await order(real_db, visit, "XN01", quantity=10)
    async with real_db.sessions.begin() as session:
        assert OrderState.HELD not in await states(session, visit)
        view = await bill(session, visit.episode_id, now=utc_now())
        assert (view.total, view.payable) == (450_600, 90_120)
        assert not view.small_cost
        result = ReportResult(new_id(), text="bình thường")
        await report_result(session, placed, result, actor=LAB, now=utc_now())
    await finish(real_db, visit)
    async with real_db.sessions.begin() as session:
        due = await account_of(session, visit.episode_id)
        assert due.state == "OPEN"
    await pay(real_db, visit.episode_id)
    async with real_db.sessions.begin() as session:
        settled = await bill(session, visit.episode_id, now=utc_now())
    assert (settled.state, settled.paid) == ("SETTLED", 90_120)


async def test_a_line_outside_the_scope_waits_for_the_till(real_db: RealDatabase) -> None:
    visit = await a_visit_in(real_db, Payer.BHYT)
    async with real_db.sessions.begin() as session:
        await start_visit(session, visit.id, actor=DOCTOR, now=utc_now())
        await session.execute(
            text(
                "INSERT INTO billing_price (id, service_code, kind, amount, valid_from)"
                " VALUES (gen_random_uuid(), 'XN02', 'FEE', 200000, '2026-01-01')"
            )
        )
    await order(real_db, visit, "XN02")
    async with real_db.sessions.begin() as session:
        assert OrderState.HELD in await states(session, visit)
        view = await bill(session, visit.episode_id, now=utc_now())
    assert (int(view.outside), view.remaining) == (200_000, 200_000)
    await pay(real_db, visit.episode_id)
    async with real_db.sessions.begin() as session:
        assert OrderState.HELD not in await states(session, visit)


async def test_a_voided_order_takes_its_code_off_the_screen(real_db: RealDatabase) -> None:
    visit = await a_visit_in(real_db, Payer.SELF_PAY)
    await pay(real_db, visit.episode_id)
    async with real_db.sessions.begin() as session:
        await start_visit(session, visit.id, actor=DOCTOR, now=utc_now())
    placed = await order(real_db, visit, "XN01")
    async with real_db.sessions.begin() as session:
        await a_request(session, visit.episode_id)
        await void_order(session, placed, VoidOrder("đổi ý"), actor=DOCTOR, now=utc_now())
    await work(real_db)
    async with real_db.sessions.begin() as session:
        view = await bill(session, visit.episode_id, now=utc_now())
        newest = (await requests_of_episode(session, visit.episode_id))[0]
    assert (len(view.lines), view.remaining, newest.state) == (1, 0, "CANCELLED")


async def test_a_code_expires_by_itself(real_db: RealDatabase) -> None:
    visit = await a_visit_in(real_db, Payer.SELF_PAY)
    async with real_db.sessions.begin() as session:
        request = await a_request(session, visit.episode_id, now=utc_now() - timedelta(minutes=16))
    await work(real_db)
    async with real_db.sessions.begin() as session:
        assert (await get_request(session, request.id)).state == "EXPIRED"


@pytest.mark.parametrize(
    ("more", "level", "route"),
    [
        ({}, 4, "1.1"),
        ({"benefit_level": "2"}, 2, "1.1"),
        ({"benefit_level": "", "card_number": "HT3 79 7912345678"}, 3, "1.1"),
        ({"benefit_level": "", "card_number": "7912345678"}, 4, "1.1"),
        ({"route": "3.1"}, 4, "3.1"),
    ],
)
def test_what_reception_left_open_takes_the_safe_value(more: dict[str, str], level: int, route: str) -> None:
    insured = insured_by(a_card(**more), admitted_on=utc_now().date(), settings=BillingSettings())
    assert (insured.cards[0].level, insured.route_code) == (level, route)
