"""Take a notice: keep it, read it, answer, match. Each step commits; a job waits behind each should we die."""

from uuid import UUID

import structlog

from billing.matching.service import match_transaction
from billing.notices.service import Delivery, NoticeResult, read_notice, store_notice
from billing.settings import BillingSettings
from kernel.clock import Instant, utc_now
from kernel.db import Sessions
from kernel.outbox.api import TryLater

log = structlog.get_logger(__name__)


async def take_notice(
    sessions: Sessions, delivery: Delivery, *, settings: BillingSettings, now: Instant
) -> NoticeResult:
    """Keep a delivery, then read it. Raises UnknownProvider, NoticeTooLarge."""
    async with sessions.begin() as session:
        notice = await store_notice(session, delivery, now=now)
    async with sessions.begin() as session:
        return await read_notice(session, notice, settings=settings, now=now)


async def match_at_once(sessions: Sessions, transaction_id: UUID, *, settings: BillingSettings) -> None:
    """Match after the gateway got its answer; whatever fails here is done again by the job."""
    try:
        async with sessions.begin() as session:
            await match_transaction(session, transaction_id, settings=settings, now=utc_now())
    except TryLater:
        log.info("match_waits", transaction_id=str(transaction_id))
    except Exception:
        log.exception("match_failed", transaction_id=str(transaction_id))
