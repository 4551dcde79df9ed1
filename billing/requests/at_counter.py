"""What a counter still asks for; taken off its screen when its cashier leaves."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Account
from billing.requests.models import PaymentRequest
from billing.requests.rules import RequestState
from billing.requests.service import RequestClosed, cancel_request, view_of
from billing.requests.views import RequestView
from kernel.clock import Instant
from kernel.staff.api import Actor


async def open_at(session: AsyncSession, counter: str) -> Sequence[RequestView]:
    """Return the requests whose code the counter still shows or could show, oldest first."""
    query = (
        select(PaymentRequest, Account)
        .join(Account, Account.id == PaymentRequest.account_id)
        .where(PaymentRequest.counter == counter, PaymentRequest.state == RequestState.PENDING)
        .order_by(PaymentRequest.created_at)
    )
    return [view_of(*row) for row in await session.execute(query)]


async def cancel_at(session: AsyncSession, counter: str, *, reason: str, actor: Actor, now: Instant) -> int:
    """Cancel what the counter asks for and return how many; what is paid meanwhile stays paid."""
    cancelled = 0
    for request in await open_at(session, counter):
        try:
            await cancel_request(session, request.id, reason=reason, actor=actor, now=now)
        except RequestClosed:
            continue
        cancelled += 1
    return cancelled
