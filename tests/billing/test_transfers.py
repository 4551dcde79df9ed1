"""Money that comes by transfer: to its request, in excess, in suspense, never dropped and never twice."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.service import account_of
from billing.bills.service import BillNotComputable, bill
from billing.matching.service import match_transaction, open_transactions
from billing.notices.models import Notice
from billing.notices.service import Outcome, read_notice, store_notice
from billing.receipts.service import receipts_of_request
from billing.receipts.views import Method, ReceiptKind
from billing.requests.rules import RequestState
from billing.requests.service import cancel_request, expire_request
from billing.settlements.service import end_episode, release_covered
from billing.vietqr.rules import decode
from kernel.clock import utc_now
from tests.billing.builders import CASHIER, FACILITY, SETTINGS, a_delivery, a_request, an_episode
from tests.billing.transfers import NOW, again, pay, sum_of_books


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
