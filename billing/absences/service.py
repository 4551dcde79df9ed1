"""Close the visits of people who did not come; those that hold money stay, and the till shows them."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.service import lock_account
from emr.api import UnseenVisit, cancel_visit, unseen_visits
from kernel.clock import Instant
from kernel.staff.api import SYSTEM
from kernel.statements import Statement

CLOSE_JOB = "billing.close_no_show"
REASON = "Người bệnh không đến khám."

# Money of another visit of the same đợt is not this visit's: only what was paid for it, or all of it when it is alone.
_HELD = Statement(
    text("""
SELECT visit.id FROM emr_v_visit visit JOIN billing_account account ON account.episode_id = visit.episode_id
WHERE visit.id = ANY(:visits) AND (
    EXISTS (SELECT FROM billing_request WHERE account_id = account.id AND state = 'PENDING')
    OR EXISTS (
        SELECT FROM billing_ledger_posting
        WHERE account_id = account.id AND book IN ('PATIENT', 'DEPOSIT', 'EXCESS')
        GROUP BY book HAVING sum(amount) <> 0
    ) AND (
        NOT EXISTS (
            SELECT FROM emr_v_visit other
            WHERE other.episode_id = visit.episode_id AND other.id <> visit.id AND other.state <> 'CANCELLED'
        )
        OR EXISTS (
            SELECT FROM billing_charge charge JOIN emr_v_order ordered ON ordered.id = charge.order_id
            WHERE charge.account_id = account.id AND ordered.visit_id = visit.id
            AND charge.paid_request_id IS NOT NULL AND charge.voided_at IS NULL
        )
    )
)
""").bindparams(bindparam("visits", type_=ARRAY(Uuid)))
)


class CloseNoShow(Struct, frozen=True):
    """Payload of the job that closes one visit."""

    visit_id: UUID
    episode_id: UUID


async def _with_money(session: AsyncSession, visits: list[UnseenVisit]) -> set[UUID]:
    """Return those that hold money, or are being paid for now."""
    if not visits:
        return set()
    return {row["id"] for row in await _HELD.rows(session, visits=[visit.visit_id for visit in visits])}


async def visits_to_close(session: AsyncSession, *, now: Instant) -> list[CloseNoShow]:
    """Return the visits of earlier days that nobody began and that hold neither money nor record."""
    empty = [visit for visit in await unseen_visits(session, now=now) if not visit.recorded]
    held = await _with_money(session, empty)
    return [CloseNoShow(visit.visit_id, visit.episode_id) for visit in empty if visit.visit_id not in held]


async def close_no_show(session: AsyncSession, payload: CloseNoShow, *, now: Instant) -> bool:
    """Cancel the visit if it still holds nothing; money on its way in waits for the account, or is seen here."""
    await lock_account(session, payload.episode_id)
    if payload not in await visits_to_close(session, now=now):
        return False
    await cancel_visit(session, payload.visit_id, REASON, actor=SYSTEM, now=now)
    return True


async def absent_with_money(session: AsyncSession, *, now: Instant) -> set[UUID]:
    """Return the episodes whose person paid and did not come."""
    unseen = await unseen_visits(session, now=now)
    held = await _with_money(session, unseen)
    return {visit.episode_id for visit in unseen if visit.visit_id in held}
