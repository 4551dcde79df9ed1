"""Many hands at once, on a database where commits are real."""

import asyncio
from uuid import UUID

from sqlalchemy import func, select

from billing.bills.service import bill
from billing.ledger.models import Posting
from billing.matching.service import match_transaction
from billing.notices.models import BankTransaction, Notice
from billing.notices.service import Delivery
from billing.receipts.models import Receipt
from billing.requests.rules import RequestState
from billing.requests.service import get_request
from billing.webhooks.service import take_notice
from kernel.clock import utc_now
from tests.billing.builders import SETTINGS, a_charge, a_delivery, a_request, an_episode
from tests.conftest import RealDatabase


async def told(db: RealDatabase, delivery: Delivery) -> UUID | None:
    result = await take_notice(db.sessions, delivery, settings=SETTINGS, now=utc_now())
    return result.transaction_id


async def matched(db: RealDatabase, transaction_id: UUID) -> None:
    async with db.sessions.begin() as session:
        await match_transaction(session, transaction_id, settings=SETTINGS, now=utc_now())


async def test_the_same_notice_in_parallel_counts_once(real_db: RealDatabase) -> None:
    async with real_db.sessions.begin() as session:
        request = await a_request(session, await an_episode(session))
    delivery = a_delivery(150_000, request.reference)
    found = await asyncio.gather(*(told(real_db, delivery) for _ in range(12)))
    (transaction,) = [one for one in found if one]
    await asyncio.gather(*(matched(real_db, transaction) for _ in range(6)))
    async with real_db.sessions.begin() as session:
        paid = await get_request(session, request.id)
        counts = [
            await session.scalar(select(func.count()).select_from(table))
            for table in (Notice, BankTransaction, Receipt)
        ]
    assert (paid.state, paid.received, paid.excess) == (RequestState.PAID, 150_000, 0)
    assert counts == [12, 1, 1]


async def test_two_channels_in_parallel_count_once(real_db: RealDatabase) -> None:
    async with real_db.sessions.begin() as session:
        request = await a_request(session, await an_episode(session))
    deliveries = [a_delivery(150_000, request.reference, referenceCode="FT7") for _ in range(8)]
    found = [one for one in await asyncio.gather(*(told(real_db, d) for d in deliveries)) if one]
    assert len(found) == 1


async def test_two_requests_of_one_bill_paid_at_once_lose_nothing(real_db: RealDatabase) -> None:
    async with real_db.sessions.begin() as session:
        episode = await an_episode(session)
        await a_charge(session, episode, service_code="XN01")
        old = await a_request(session, episode)
        new = await a_request(session, episode)
    transfers = [await told(real_db, a_delivery(240_000, r.reference)) for r in (old, new)]
    await asyncio.gather(*(matched(real_db, one) for one in transfers if one))
    async with real_db.sessions.begin() as session:
        view = await bill(session, episode, now=utc_now())
        bank = await session.scalar(select(func.sum(Posting.amount)).where(Posting.book == "BANK"))
    assert (view.paid, view.excess, view.remaining, bank) == (240_000, 240_000, 0, 480_000)


async def test_tills_number_their_receipts_without_gaps(real_db: RealDatabase) -> None:
    """50 payments into one book at once, one in five rolled back: its numbers run 1, 2, 3 … 40."""
    async with real_db.sessions.begin() as session:
        requests = [await a_request(session, await an_episode(session)) for _ in range(50)]
    transfers = [await told(real_db, a_delivery(150_000, r.reference)) for r in requests]

    async def one(number: int, transaction: UUID) -> None:
        async with real_db.sessions() as session, session.begin() as transaction_context:
            await match_transaction(session, transaction, settings=SETTINGS, now=utc_now())
            if number % 5 == 0:
                await transaction_context.rollback()

    await asyncio.gather(*(one(number, t) for number, t in enumerate(transfers) if t))
    async with real_db.sessions.begin() as session:
        numbers = sorted(await session.scalars(select(Receipt.sequence).where(Receipt.book == "TD")))
    assert numbers == list(range(1, 41))


async def test_two_cashiers_asking_at_once_leave_one_open_code(real_db: RealDatabase) -> None:
    async with real_db.sessions.begin() as session:
        episode = await an_episode(session)

    async def ask(counter: str) -> UUID:
        async with real_db.sessions.begin() as session:
            return (await a_request(session, episode, counter=counter)).id

    asked = await asyncio.gather(ask("Q1"), ask("Q2"))
    async with real_db.sessions.begin() as session:
        states = sorted([(await get_request(session, one)).state for one in asked])
    assert states == [RequestState.CANCELLED, RequestState.PENDING]
