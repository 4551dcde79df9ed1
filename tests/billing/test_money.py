from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.service import account_of
from billing.bills.service import BillNotComputable, bill
from billing.charges.service import void_charge
from billing.deposits.service import EpisodeOver, KeepExcess, NotThatMuchExcess, keep_excess_as_deposit
from billing.ledger.models import Posting
from billing.matching.rules import TransactionState
from billing.matching.service import match_transaction, open_transactions
from billing.notices.models import Notice
from billing.notices.service import Outcome, read_notice, store_notice
from billing.payments.service import pay_in_cash
from billing.prices.rules import PriceKind
from billing.prices.service import NewPrice, add_prices
from billing.receipts.service import receipts_of_episode, receipts_of_request
from billing.receipts.views import Method, ReceiptKind
from billing.requests.rules import RequestState
from billing.requests.service import (
    NothingToPay,
    PriceMissing,
    RequestClosed,
    RequestIdReused,
    cancel_request,
    expire_request,
    get_request,
)
from billing.requests.views import CreateRequest, RequestView
from billing.settlements.service import (
    NotEndedYet,
    NotPaidYet,
    end_episode,
    release_covered,
    settle_episode,
    settle_if_paid,
)
from billing.shifts.service import NoOpenShift, OpenShift, add_counter, open_shift
from billing.vietqr.rules import decode
from kernel.clock import utc_now
from kernel.ids import new_id
from tests.billing.builders import (
    CASHIER,
    FACILITY,
    SETTINGS,
    a_charge,
    a_delivery,
    a_patient,
    a_request,
    an_episode,
    some_prices,
)

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


async def pay(session: AsyncSession, amount: int, content: str, **changed: object) -> TransactionState:
    """A transfer arrives, is read and matched."""
    now = utc_now()
    notice = await store_notice(session, a_delivery(amount, content, **changed), now=now)
    result = await read_notice(session, notice, settings=SETTINGS, now=now)
    assert result.transaction_id, result
    return await match_transaction(session, result.transaction_id, settings=SETTINGS, now=now)


async def again(session: AsyncSession, request: RequestView) -> RequestView:
    return await get_request(session, request.id)


async def sum_of_books(session: AsyncSession) -> dict[str, int]:
    rows = await session.execute(select(Posting.book, func.sum(Posting.amount)).group_by(Posting.book))
    return {book: int(total) for book, total in rows if total}


async def test_an_exact_transfer_pays_the_request(session: AsyncSession) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    assert (request.amount, request.state) == (150_000, RequestState.PENDING)
    code = decode(request.payload)
    assert (code.purpose, code.amount, code.account) == (request.reference, 150_000, FACILITY.bank_account)
    assert await pay(session, 150_000, f"MBVCB.1.2.{request.reference}.CT tu A toi B") == "MATCHED"
    paid = await again(session, request)
    assert (paid.state, paid.received, paid.excess, paid.late) == (RequestState.PAID, 150_000, 0, False)
    view = await bill(session, episode, now=NOW)
    assert (view.paid, view.remaining, view.lines[0].paid) == (150_000, 0, True)
    assert await sum_of_books(session) == {"BANK": 150_000, "PATIENT": -150_000}
    (receipt,) = await receipts_of_request(session, request.id)
    assert (receipt.amount, receipt.book, receipt.method) == (150_000, "TD", Method.TRANSFER)


async def test_too_little_is_kept_and_the_rest_is_asked_again(session: AsyncSession) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    await pay(session, 100_000, request.reference)
    short = await again(session, request)
    assert (short.state, short.missing) == (RequestState.UNDERPAID, 50_000)
    assert not (await bill(session, episode, now=NOW)).lines[0].paid
    rest = await a_request(session, episode)
    assert (rest.amount, rest.reference != request.reference) == (50_000, True)
    await pay(session, 50_000, rest.reference)
    view = await bill(session, episode, now=NOW)
    assert (view.remaining, view.lines[0].paid) == (0, True)


async def test_too_much_waits_to_be_given_back_apart_from_deposits(session: AsyncSession) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    await pay(session, 200_000, request.reference)
    over = await again(session, request)
    assert (over.state, over.received, over.excess) == (RequestState.OVERPAID, 150_000, 50_000)
    view = await bill(session, episode, now=NOW)
    assert (view.paid, view.excess, view.deposits, view.remaining) == (150_000, 50_000, 0, 0)
    (receipt,) = await receipts_of_request(session, request.id)
    assert (receipt.kind, receipt.amount, receipt.excess) == (ReceiptKind.BILL, 200_000, 50_000)


async def test_a_second_transfer_is_never_dropped(session: AsyncSession) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    await pay(session, 150_000, request.reference)
    await pay(session, 150_000, request.reference)
    twice = await again(session, request)
    assert (twice.state, twice.received, twice.excess) == (RequestState.OVERPAID, 150_000, 150_000)
    assert (await bill(session, episode, now=NOW)).excess == 150_000
    kinds = [receipt.kind for receipt in await receipts_of_request(session, request.id)]
    assert kinds == [ReceiptKind.BILL, ReceiptKind.EXCESS]


async def test_an_expired_code_is_still_paid_and_said_to_be_late(session: AsyncSession) -> None:
    episode = await an_episode(session, now=NOW)
    request = await a_request(session, episode, now=NOW)
    await expire_request(session, request.id, now=request.expires_at)
    assert (await again(session, request)).state == RequestState.EXPIRED
    await pay(session, 150_000, request.reference)
    paid = await again(session, request)
    assert (paid.state, paid.late) == (RequestState.PAID, True)


async def test_expiry_comes_only_when_it_is_time_and_never_after_payment(session: AsyncSession) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    await expire_request(session, request.id, now=utc_now())
    assert (await again(session, request)).state == RequestState.PENDING
    await pay(session, 150_000, request.reference)
    await expire_request(session, request.id, now=request.expires_at)
    assert (await again(session, request)).state == RequestState.PAID


async def test_money_for_a_cancelled_code_of_a_paid_bill_is_excess(session: AsyncSession) -> None:
    episode = await an_episode(session)
    old = await a_request(session, episode)
    new = await a_request(session, episode)
    assert (await again(session, old)).state == RequestState.CANCELLED
    await pay(session, 150_000, new.reference)
    await pay(session, 150_000, old.reference)
    assert (await again(session, old)).state == RequestState.OVERPAID
    view = await bill(session, episode, now=NOW)
    assert (view.paid, view.excess) == (150_000, 150_000)


async def test_money_for_a_cancelled_code_of_an_open_bill_pays_it(session: AsyncSession) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    await cancel_request(session, request.id, reason="Người bệnh đổi ý", actor=CASHIER, now=utc_now())
    await pay(session, 150_000, request.reference)
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


async def test_unknown_money_goes_to_suspense_and_the_work_list(session: AsyncSession) -> None:
    assert await pay(session, 99_000, "chuyen tien mua iphone") == "UNMATCHED"
    assert await sum_of_books(session) == {"BANK": 99_000, "SUSPENSE": -99_000}
    assert [row.amount for row in await open_transactions(session)] == [99_000]


async def test_two_references_need_a_person(session: AsyncSession) -> None:
    first = await a_request(session, await an_episode(session))
    second = await a_request(session, await an_episode(session))
    assert await pay(session, 300_000, f"{first.reference} {second.reference}") == "AMBIGUOUS"


@pytest.mark.parametrize(("amount", "state"), [(150_000, "MATCHED"), (149_000, "UNMATCHED")])
async def test_letters_for_digits_match_only_with_the_same_amount(
    session: AsyncSession, amount: int, state: str
) -> None:
    request = await a_request(session, await an_episode(session))
    while not set(request.reference) & set("015"):
        request = await a_request(session, await an_episode(session))
    typed = request.reference[:2] + request.reference[2:].translate(str.maketrans("015", "OIS"))
    assert await pay(session, amount, typed) == state


async def test_money_out_is_stored_and_never_matched(session: AsyncSession) -> None:
    request = await a_request(session, await an_episode(session))
    delivery = a_delivery(150_000, request.reference, transferType="out")
    notice = await store_notice(session, delivery, now=utc_now())
    result = await read_notice(session, notice, settings=SETTINGS, now=utc_now())
    assert (result.outcome, result.transaction_id) == (Outcome.TAKEN, None)
    assert (await again(session, request)).state == RequestState.PENDING
    assert await sum_of_books(session) == {}


async def test_the_same_transfer_told_by_another_channel_counts_once(session: AsyncSession) -> None:
    request = await a_request(session, await an_episode(session))
    await pay(session, 150_000, request.reference, referenceCode="FT1")
    other = a_delivery(150_000, request.reference, referenceCode="FT1")
    notice = await store_notice(session, other, now=utc_now())
    result = await read_notice(session, notice, settings=SETTINGS, now=utc_now())
    assert result.outcome == Outcome.KNOWN
    assert (await again(session, request)).excess == 0


async def test_a_known_id_with_other_content_is_kept_for_a_person(session: AsyncSession) -> None:
    request = await a_request(session, await an_episode(session))
    await pay(session, 150_000, request.reference, id=77)
    notice = await store_notice(session, a_delivery(1_000, request.reference, id=77), now=utc_now())
    result = await read_notice(session, notice, settings=SETTINGS, now=utc_now())
    assert result.outcome == Outcome.CONFLICT
    assert (await session.get_one(Notice, notice.id)).verdict


async def test_reading_and_matching_again_changes_nothing(session: AsyncSession) -> None:
    request = await a_request(session, await an_episode(session))
    now = utc_now()
    notice = await store_notice(session, a_delivery(150_000, request.reference), now=now)
    first = await read_notice(session, notice, settings=SETTINGS, now=now)
    assert first.transaction_id
    for _ in range(2):
        await match_transaction(session, first.transaction_id, settings=SETTINGS, now=now)
        again_read = await read_notice(session, notice, settings=SETTINGS, now=now)
        assert again_read.outcome == Outcome.KNOWN
    assert (await again(session, request)).received == 150_000


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


async def test_an_ended_episode_settles_itself_when_paid(session: AsyncSession) -> None:
    episode = await an_episode(session)
    assert not await end_episode(session, episode, ended_at=NOW, now=NOW)
    with pytest.raises(NotPaidYet):
        await settle_episode(session, episode, actor=CASHIER, now=NOW)
    request = await a_request(session, episode)
    await pay(session, 150_000, request.reference)
    account = await account_of(session, episode)
    assert account.state == "SETTLED"
    assert await sum_of_books(session) == {"BANK": 150_000, "REVENUE": -150_000}
    frozen = await bill(session, episode, now=NOW)
    assert (frozen.state, frozen.total, frozen.remaining) == ("SETTLED", 150_000, 0)


async def test_an_open_episode_is_not_settled(session: AsyncSession) -> None:
    with pytest.raises(NotEndedYet):
        await settle_episode(session, await an_episode(session), actor=CASHIER, now=NOW)


async def test_an_episode_at_zero_settles_by_itself(session: AsyncSession) -> None:
    await some_prices(session)
    episode = new_id()
    await a_charge(session, episode)
    await a_charge(session, episode, service_code="XN01")
    account = await account_of(session, episode)
    await session.execute(
        text("UPDATE billing_charge SET voided_at = now() WHERE account_id = :a"), {"a": account.id}
    )
    assert await end_episode(session, episode, ended_at=NOW, now=NOW)
    assert (await bill(session, episode, now=NOW)).payable == 0


async def test_deposits_are_used_at_settlement_and_the_rest_is_to_refund(session: AsyncSession) -> None:
    episode = await an_episode(session)
    deposit = await a_request(session, episode, deposit=200_000)
    await pay(session, 200_000, deposit.reference)
    assert await end_episode(session, episode, ended_at=NOW, now=NOW)
    view = await bill(session, episode, now=NOW)
    assert (view.paid, view.deposits, view.to_refund) == (150_000, 50_000, 50_000)
    assert await sum_of_books(session) == {"BANK": 200_000, "DEPOSIT": -50_000, "REVENUE": -150_000}


async def test_what_comes_after_settlement_opens_the_account_and_settles_the_difference(
    session: AsyncSession,
) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    await end_episode(session, episode, ended_at=NOW, now=NOW)
    await pay(session, 150_000, request.reference)
    await a_charge(session, episode, service_code="XN01")
    view = await bill(session, episode, now=NOW)
    assert (view.state, view.remaining) == ("OPEN", 90_000)
    late = await a_request(session, episode)
    await pay(session, 90_000, late.reference)
    assert (await account_of(session, episode)).state == "SETTLED"
    assert await sum_of_books(session) == {"BANK": 240_000, "REVENUE": -240_000}


async def test_an_order_voided_after_settlement_is_given_back(session: AsyncSession) -> None:
    """What was never done may not stay in a settled bill, nor its money in the revenue."""
    episode = await an_episode(session)
    blood = await a_charge(session, episode, service_code="XN01")
    request = await a_request(session, episode)
    await end_episode(session, episode, ended_at=NOW, now=NOW)
    await pay(session, 240_000, request.reference)
    assert (await account_of(session, episode)).state == "SETTLED"
    assert await void_charge(session, order_id=blood.order_id, episode_id=episode, now=NOW)
    account = await account_of(session, episode)
    assert await settle_if_paid(session, account, now=NOW, settings=SETTINGS)
    view = await bill(session, episode, now=NOW)
    assert (view.state, view.payable, view.paid, view.excess) == ("SETTLED", 150_000, 150_000, 90_000)
    assert await sum_of_books(session) == {"BANK": 240_000, "REVENUE": -150_000, "EXCESS": -90_000}


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


async def test_a_bill_above_one_transfer_is_asked_in_parts(session: AsyncSession) -> None:
    await some_prices(session)
    episode = new_id()
    await a_charge(session, episode, quantity=4_000, patient_id=await a_patient(session))
    request = await a_request(session, episode)
    assert request.amount == 499_999_999
    await pay(session, 499_999_999, request.reference)
    rest = await a_request(session, episode)
    assert rest.amount == 100_000_001


async def test_excess_is_kept_as_a_deposit_only_when_the_person_wants_it(session: AsyncSession) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    await pay(session, 200_000, request.reference)
    await a_charge(session, episode, service_code="XN01")
    with pytest.raises(NotThatMuchExcess):
        await keep_excess_as_deposit(
            session, KeepExcess(episode, 50_001, "người bệnh chọn"), actor=CASHIER, now=NOW
        )
    await keep_excess_as_deposit(
        session, KeepExcess(episode, 50_000, "người bệnh chọn"), actor=CASHIER, now=NOW
    )
    view = await bill(session, episode, now=NOW)
    assert (view.excess, view.deposits, view.remaining) == (0, 50_000, 40_000)


async def test_excess_of_a_settled_episode_is_only_given_back(session: AsyncSession) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)
    await pay(session, 200_000, request.reference)
    await end_episode(session, episode, ended_at=NOW, now=NOW)
    with pytest.raises(EpisodeOver):
        await keep_excess_as_deposit(
            session, KeepExcess(episode, 50_000, "người bệnh chọn"), actor=CASHIER, now=NOW
        )


async def test_money_is_posted_even_when_the_bill_can_not_be_computed(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    episode = await an_episode(session)
    request = await a_request(session, episode)

    async def broken(*_: object, **__: object) -> None:
        raise BillNotComputable("mã đối tượng sai")

    monkeypatch.setattr("billing.payments.service.bill_of_account", broken)
    monkeypatch.setattr("billing.settlements.service.bill_of_account", broken)
    assert not await end_episode(session, episode, ended_at=NOW, now=NOW)
    await release_covered(session, await account_of(session, episode), now=NOW)
    assert await pay(session, 150_000, request.reference) == "MATCHED"
    assert (await again(session, request)).state == RequestState.PAID
