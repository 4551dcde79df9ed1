"""Acts of the bank that the tests of money share: a transfer arrives, is read and matched; what the books then say."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger.models import Posting
from billing.matching.rules import TransactionState
from billing.matching.service import match_transaction
from billing.notices.service import read_notice, store_notice
from billing.requests.service import get_request
from billing.requests.views import RequestView
from kernel.clock import utc_now
from tests.billing.builders import SETTINGS, a_delivery

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


async def transfer(
    session: AsyncSession, amount: int, content: str, **changed: object
) -> tuple[UUID, TransactionState]:
    """A transfer arrives, is read and matched: which one it is, and what became of it."""
    now = utc_now()
    notice = await store_notice(session, a_delivery(amount, content, **changed), now=now)
    result = await read_notice(session, notice, settings=SETTINGS, now=now)
    assert result.transaction_id, result
    state = await match_transaction(session, result.transaction_id, settings=SETTINGS, now=now)
    return result.transaction_id, state


async def pay(session: AsyncSession, amount: int, content: str, **changed: object) -> TransactionState:
    return (await transfer(session, amount, content, **changed))[1]


async def again(session: AsyncSession, request: RequestView) -> RequestView:
    return await get_request(session, request.id)


async def sum_of_books(session: AsyncSession) -> dict[str, int]:
    rows = await session.execute(select(Posting.book, func.sum(Posting.amount)).group_by(Posting.book))
    return {book: int(total) for book, total in rows if total}
