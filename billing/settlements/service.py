"""Settle an episode: apply tạm ứng, recognise revenue, freeze the bill, tell the others."""

from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Account
from billing.accounts.service import lock_account
from billing.bills.service import BillNotComputable, bill_of_account, freeze
from billing.bills.views import BillView
from billing.care.service import release
from billing.charges.service import mark_released, reprice_missing
from billing.events import EpisodeSettled
from billing.ledger.service import NewEntry, balances, post
from billing.settings import BillingSettings
from billing.settlements.rules import settlement_steps
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.live import touch
from kernel.outbox.api import publish
from kernel.problems import Conflict
from kernel.staff.api import SYSTEM, Actor

_DEFAULTS = BillingSettings()


class NotPaidYet(Conflict):
    slug = "episode-not-paid"


class NotEndedYet(Conflict):
    slug = "episode-not-ended"


class PriceUnknown(Conflict):
    slug = "episode-price-missing"


async def end_episode(
    session: AsyncSession,
    episode_id: UUID,
    *,
    ended_at: Instant,
    now: Instant,
    settings: BillingSettings = _DEFAULTS,
) -> bool:
    """Note that the care ended, and settle at once if nothing is owed, be it at 0 đồng. Returns whether it did."""
    account = await lock_account(session, episode_id)
    if account.ended_at is None:
        account.ended_at = ended_at
        await session.flush()
    return await settle_if_paid(session, account, now=now, settings=settings)


async def settle_if_paid(
    session: AsyncSession, account: Account, *, now: Instant, settings: BillingSettings = _DEFAULTS
) -> bool:
    """Settle a locked account whose care ended and that owes nothing; otherwise change nothing."""
    if account.state == "SETTLED" or account.ended_at is None:
        return False
    await reprice_missing(session, account.id, now=now)
    try:
        bill = await bill_of_account(session, account, now=now, settings=settings)
    except BillNotComputable:  # A wrong card: the till says so, and nothing is settled on a guess.
        return False
    if bill.remaining or bill.price_missing:
        return False
    await _settle(session, account, bill, actor=SYSTEM, now=now)
    return True


async def settle_episode(
    session: AsyncSession,
    episode_id: UUID,
    *,
    actor: Actor,
    now: Instant,
    settings: BillingSettings = _DEFAULTS,
) -> BillView:
    """Settle an episode by hand; a settled one stays settled. Raises NotEndedYet, NotPaidYet, PriceUnknown."""
    account = await lock_account(session, episode_id)
    if account.state != "SETTLED":
        await reprice_missing(session, account.id, now=now)
    bill = await bill_of_account(session, account, now=now, settings=settings)
    if account.state == "SETTLED":
        return bill
    if account.ended_at is None:
        raise NotEndedYet("Đợt khám chữa bệnh chưa kết thúc nên chưa quyết toán được.")
    if bill.price_missing:
        raise PriceUnknown("Còn dịch vụ chưa có giá. Hãy báo phòng Tài chính kế toán nhập giá.")
    if bill.remaining:
        raise NotPaidYet("Người bệnh còn nợ viện phí. Hãy thu đủ rồi quyết toán.")
    return await _settle(session, account, bill, actor=actor, now=now)


async def release_covered(
    session: AsyncSession, account: Account, *, now: Instant, settings: BillingSettings = _DEFAULTS
) -> None:
    """Note what is left to collect, and let every order go once that is nothing: paid, covered by tạm ứng, or free."""
    if account.state == "SETTLED":
        return
    try:
        bill = await bill_of_account(session, account, now=now, settings=settings)
    except BillNotComputable:  # The charge is kept; the till says what is wrong with the card.
        return
    account.due = bill.remaining
    waiting = [line.charge_id for line in bill.lines if not line.paid]
    if waiting and bill.remaining == 0 and not bill.price_missing:
        orders = await mark_released(session, waiting, request_id=None, now=now)
        await release(session, orders, now=now)


async def _settle(
    session: AsyncSession, account: Account, bill: BillView, *, actor: Actor, now: Instant
) -> BillView:
    money = await balances(session, account.id)
    for step in settlement_steps(payable=bill.payable, fund=bill.total - bill.payable, money=money):
        await post(
            session,
            NewEntry(
                kind=step.kind,
                sides=step.sides,
                actor_id=actor.id,
                at=now,
                account_id=account.id,
                reason=step.reason,
            ),
        )
    after = await balances(session, account.id)
    frozen = freeze(
        msgspec.structs.replace(
            bill,
            paid=bill.payable,
            deposits=after.deposits,
            excess=after.excess,
            to_refund=after.deposits,
        ),
        now=now,
    )
    account.state, account.settled_at, account.due = "SETTLED", now, 0
    account.frozen_bill = msgspec.to_builtins(frozen)
    await session.flush()
    await publish(session, EpisodeSettled(account.episode_id, account.patient_id, now))
    detail = {"total": bill.total, "payable": bill.payable}
    await record(
        session,
        Entry(Action.CHANGE, f"billing.account:{account.id}", account.patient_id, detail=detail),
        actor,
    )
    touch(session, "till", {"episode_id": str(account.episode_id)})
    return frozen
