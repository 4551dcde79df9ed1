"""What a bill does with a card: unseen, without a route, invalid, and of a person who paid enough this year."""

from datetime import timedelta

import pytest

from billing.bills.service import BillNotComputable, bill
from billing.care.rules import RouteUnknown, insured_by
from billing.settings import BillingSettings
from emr.api import CheckCard, Payer, check_card, get_visit, start_visit
from kernel.clock import utc_now
from tests.billing.test_episodes import a_visit_in, order, work
from tests.conftest import RealDatabase
from tests.emr.builders import DOCTOR, a_card


def test_a_route_nobody_chose_grants_no_benefit() -> None:
    card, today = a_card(route=""), utc_now().date()
    with pytest.raises(RouteUnknown):
        insured_by(card, admitted_on=today, settings=BillingSettings())
    told = BillingSettings(default_route_code="9")
    assert insured_by(card, admitted_on=today, settings=told).route_code == "9"


async def test_a_card_taken_unseen_has_no_bill_until_it_is_looked_up(real_db: RealDatabase) -> None:
    card = a_card(route="", valid_from=None, portal_down="Tự đăng ký tại máy")
    visit = await a_visit_in(real_db, Payer.BHYT, insurance=card)
    async with real_db.sessions.begin() as session:
        with pytest.raises(BillNotComputable, match="Đến khám theo"):
            await bill(session, visit.episode_id, now=utc_now())
        command = CheckCard(a_card(route="1.1"))
        await check_card(session, visit.id, command, actor=DOCTOR, now=utc_now())
    await work(real_db)
    async with real_db.sessions.begin() as session:
        view = await bill(session, visit.episode_id, now=utc_now())
    assert (int(view.fund), view.payable) == (50_600, 0)


async def test_without_a_valid_card_the_visit_is_charged_as_a_fee(real_db: RealDatabase) -> None:
    card = a_card(route="", valid_from=None, portal_down="Tự đăng ký tại máy")
    visit = await a_visit_in(real_db, Payer.BHYT, insurance=card)
    async with real_db.sessions.begin() as session:
        command = CheckCard(None, "Thẻ hết hạn từ tháng trước")
        assert (await check_card(session, visit.id, command, actor=DOCTOR, now=utc_now())).payer == "SELF_PAY"
    await work(real_db)
    async with real_db.sessions.begin() as session:
        view = await bill(session, visit.episode_id, now=utc_now())
    assert (len(view.lines), view.payable) == (1, 150_000)


async def test_who_paid_enough_this_year_pays_nothing_more(real_db: RealDatabase) -> None:
    """Five years and co-payments above the threshold the look-up kept (miễn cùng chi trả)."""
    since = utc_now().date() - timedelta(days=400)
    paid_up = a_card(five_years_from=since, copaid=15_200_000)
    visit = await a_visit_in(real_db, Payer.BHYT, insurance=paid_up)
    async with real_db.sessions.begin() as session:
        await start_visit(session, visit.id, actor=DOCTOR, now=utc_now())
    await order(
        real_db, visit, "XN01", quantity=12
    )  # Above 15 % of the base salary: 80 % would leave a part.
    await work(real_db)
    async with real_db.sessions.begin() as session:
        kept = (await get_visit(session, visit.id)).insurance
        view = await bill(session, visit.episode_id, now=utc_now())
    assert kept is not None
    assert kept.copaid_threshold is not None
    assert (view.total > 500_000, view.payable) == (True, 0)
