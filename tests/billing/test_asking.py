"""What is asked of a person: prices, chosen lines, one request for one id, cash at the till."""

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bills.service import bill
from billing.payments.service import pay_in_cash
from billing.prices.rules import PriceKind
from billing.prices.service import NewPrice, add_prices
from billing.receipts.service import receipts_of_episode, receipts_of_request
from billing.receipts.views import ReceiptKind
from billing.requests.rules import RequestState
from billing.requests.service import (
    NothingToPay,
    PriceMissing,
    RequestClosed,
    RequestIdReused,
    cancel_request,
    expire_request,
)
from billing.requests.views import CreateRequest
from billing.shifts.service import NoOpenShift, OpenShift, add_counter, open_shift
from kernel.clock import utc_now
from kernel.ids import new_id
from tests.billing.builders import (
    CASHIER,
    FACILITY,
    SETTINGS,
    a_charge,
    a_patient,
    a_request,
    an_episode,
    some_prices,
)
from tests.billing.transfers import NOW, again, pay, sum_of_books


async def test_expiry_comes_only_when_it_is_time_and_never_after_payment(session: AsyncSession) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    await expire_request(session, request.id, now=utc_now())
    assert (await again(session, request)).state == RequestState.PENDING
    await pay(session, 150_000, request.reference)
    await expire_request(session, request.id, now=request.expires_at)
    assert (await again(session, request)).state == RequestState.PAID


async def test_a_paid_request_can_not_be_cancelled(session: AsyncSession) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    await pay(session, 150_000, request.reference)
    with pytest.raises(RequestClosed):
        await cancel_request(session, request.id, reason="nhầm", actor=CASHIER, now=utc_now())


async def test_asking_twice_with_one_id_asks_once(session: AsyncSession) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    assert await a_request(session, episode, id=request.id) == request
    with pytest.raises(RequestIdReused):
        await a_request(session, episode, id=request.id, counter="Q2")


async def test_one_id_does_not_ask_for_other_lines(session: AsyncSession) -> None:
    """A page of the browser's history sent with other lines chosen must not look taken."""
    episode = await an_episode(session)
    await a_charge(session, episode, service_code="XN01", service_name="Công thức máu")
    exam, blood = (line.charge_id for line in (await bill(session, episode, now=NOW)).lines)
    request = await a_request(session, episode, charge_ids=(exam,))
    assert await a_request(session, episode, id=request.id, charge_ids=(exam,)) == request
    for other in ((blood,), (exam, blood)):
        with pytest.raises(RequestIdReused):
            await a_request(session, episode, id=request.id, charge_ids=other)


async def test_a_line_paid_meanwhile_does_not_make_another_request_of_it(session: AsyncSession) -> None:
    episode = await an_episode(session)
    await a_charge(session, episode, service_code="XN01", service_name="Công thức máu")
    exam, blood = (line.charge_id for line in (await bill(session, episode, now=NOW)).lines)
    first = await a_request(session, episode, charge_ids=(exam,))
    await pay(session, first.amount, first.reference)
    both = await a_request(session, episode, charge_ids=(exam, blood))
    assert await a_request(session, episode, id=both.id, charge_ids=(exam, blood)) == both


async def test_nothing_is_asked_where_nothing_is_owed(session: AsyncSession) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    await pay(session, 150_000, request.reference)
    with pytest.raises(NothingToPay):
        await a_request(session, episode)


async def test_a_service_without_a_price_is_never_free(session: AsyncSession) -> None:
    episode = await an_episode(session)
    await a_charge(session, episode, service_code="LA01", service_name="Dịch vụ lạ")
    with pytest.raises(PriceMissing, match="LA01"):
        await a_request(session, episode)


async def test_a_price_entered_later_is_charged_at_the_day_of_the_service(session: AsyncSession) -> None:
    episode = await an_episode(session)
    await a_charge(session, episode, service_code="LA01", service_name="Dịch vụ lạ")
    await add_prices(session, [NewPrice("LA01", PriceKind.FEE, 70_000, date(2026, 1, 1))])
    assert (await a_request(session, episode)).amount == 220_000
    view = await bill(session, episode, now=NOW)
    assert ([line.amount for line in view.lines], view.price_missing) == ([150_000, 70_000], ())


async def test_chosen_lines_are_asked_and_released_alone(session: AsyncSession) -> None:
    episode = await an_episode(session)
    await a_charge(session, episode, service_code="XN01", quantity=2)
    lines = (await bill(session, episode, now=NOW)).lines
    request = await a_request(session, episode, charge_ids=(lines[1].charge_id,))
    assert request.amount == 180_000
    await pay(session, 180_000, request.reference)
    after = await bill(session, episode, now=NOW)
    assert ([line.paid for line in after.lines], after.remaining) == ([False, True], 150_000)


async def test_a_deposit_is_held_and_reduces_what_is_asked(session: AsyncSession) -> None:
    episode = await an_episode(session)
    deposit = await a_request(session, episode, deposit=100_000)
    await pay(session, 100_000, deposit.reference)
    view = await bill(session, episode, now=NOW)
    assert (view.deposits, view.paid, view.remaining) == (100_000, 0, 50_000)
    (receipt,) = await receipts_of_request(session, deposit.id)
    assert receipt.kind == ReceiptKind.DEPOSIT
    assert (await a_request(session, episode)).amount == 50_000


async def test_a_bill_above_one_transfer_is_asked_in_parts(session: AsyncSession) -> None:
    await some_prices(session)
    episode = new_id()
    await a_charge(session, episode, quantity=4_000, patient_id=await a_patient(session))
    request = await a_request(session, episode)
    assert request.amount == 499_999_999
    await pay(session, 499_999_999, request.reference)
    rest = await a_request(session, episode)
    assert rest.amount == 100_000_001


async def test_a_charge_is_made_once(session: AsyncSession) -> None:
    episode = await an_episode(session)
    order_id = new_id()
    await a_charge(session, episode, order_id=order_id)
    await a_charge(session, episode, order_id=order_id)
    assert len((await bill(session, episode, now=NOW)).lines) == 2


@pytest.mark.parametrize(
    ("payer", "in_scope", "on_demand", "price"),
    [
        ("BHYT", True, False, 50_600),
        ("BHYT", False, False, 150_000),
        ("BHYT", True, True, 300_000),
        ("SELF_PAY", True, False, 150_000),
        ("SELF_PAY", True, True, 300_000),
        ("ON_DEMAND", False, False, 300_000),
        ("FOREIGNER", False, True, 500_000),
    ],
)
async def test_the_price_follows_the_payer_and_the_line(
    session: AsyncSession, payer: str, in_scope: bool, on_demand: bool, price: int
) -> None:
    await some_prices(session)
    episode = new_id()
    await a_charge(session, episode, payer=payer, in_scope=in_scope, on_demand=on_demand)
    (line,) = (await bill(session, episode, now=NOW)).lines
    assert line.unit_price == price
    assert line.insured_price == (50_600 if payer == "BHYT" and in_scope else 0)


async def test_cash_needs_an_open_shift_and_gets_a_number_of_its_till(session: AsyncSession) -> None:
    episode = await an_episode(session)
    await add_counter(session, "Q1", "Quầy thu 1")
    command = CreateRequest(new_id(), episode, "Q1")
    common = {"actor": CASHIER, "facility": FACILITY, "settings": SETTINGS, "now": NOW}
    with pytest.raises(NoOpenShift):
        await pay_in_cash(session, command, **common)  # type: ignore[arg-type]  # one dict for two calls
    await open_shift(session, OpenShift(new_id(), "Q1", 500_000), actor=CASHIER, now=NOW)
    paid = await pay_in_cash(session, command, **common)  # type: ignore[arg-type]  # as above
    assert paid.state == RequestState.PAID
    assert await pay_in_cash(session, command, **common) == paid  # type: ignore[arg-type]  # as above
    (receipt,) = await receipts_of_episode(session, episode)
    assert (receipt.number, receipt.cashier_name) == ("Q1-26-000001", "Lê Thu Ngân")
    assert await sum_of_books(session) == {"CASH": 150_000, "PATIENT": -150_000}
