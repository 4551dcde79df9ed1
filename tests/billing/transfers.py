"""Acts of the bank that the tests of money share: a transfer arrives, is read and matched; what the books then say."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger.models import Posting
from billing.matching.rules import TransactionState
from billing.matching.service import match_transaction
from billing.notices.rules import casso_canonical
from billing.notices.service import Delivery, read_notice, store_notice
from billing.requests.service import get_request
from billing.requests.views import RequestView
from kernel.clock import utc_now
from kernel.ids import new_id
from tests.billing.builders import FACILITY, SETTINGS, a_delivery

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


async def pay_by_casso(session: AsyncSession, amount: int, content: str, **payer: str) -> TransactionState:
    """A transfer told by Casso, whose notices name the payer's account."""
    now = utc_now()
    data = {
        "id": new_id().int % 10**9,
        "reference": f"FT{new_id().hex[-10:]}",
        "description": content,
        "amount": amount,
        "transactionDateTime": "2026-11-21 14:02:37",
        "accountNumber": FACILITY.bank_account,
    }
    body: dict[str, Any] = {"error": 0, "data": data | payer}
    stamp = int(now.timestamp() * 1000)
    signed = hmac.new(b"casso-test", f"{stamp}.{casso_canonical(body)}".encode(), hashlib.sha512).hexdigest()
    headers = {"x-casso-signature": f"t={stamp},v1={signed}"}
    delivery = Delivery("casso", json.dumps(body).encode(), headers, "203.0.113.9")
    settings = replace(SETTINGS, casso_secret="casso-test")
    notice = await store_notice(session, delivery, now=now)
    result = await read_notice(session, notice, settings=settings, now=now)
    assert result.transaction_id, result
    return await match_transaction(session, result.transaction_id, settings=settings, now=now)


async def again(session: AsyncSession, request: RequestView) -> RequestView:
    return await get_request(session, request.id)


async def sum_of_books(session: AsyncSession) -> dict[str, int]:
    rows = await session.execute(select(Posting.book, func.sum(Posting.amount)).group_by(Posting.book))
    return {book: int(total) for book, total in rows if total}
