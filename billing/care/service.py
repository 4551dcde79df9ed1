"""Ask emr."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.care.rules import Care
from billing.settings import BillingSettings
from kernel.clock import Instant, local_day


async def care_of(
    session: AsyncSession, episode_id: UUID, *, opened_at: Instant, now: Instant, settings: BillingSettings
) -> Care:
    """Return the care of an episode as it stands."""
    del session, episode_id, settings
    return Care(admitted_on=local_day(opened_at), discharged_on=local_day(now))


async def patient_name(session: AsyncSession, patient_id: UUID) -> str:
    """Return a person's full name."""
    del session, patient_id
    return "Người Bệnh"


async def release(session: AsyncSession, order_ids: Sequence[UUID], *, now: Instant) -> None:
    """Let paid orders be carried out; those that may be already stay so."""
    del session, order_ids, now


async def service_group(session: AsyncSession, service_code: str) -> str:
    """Return the MA_NHOM of a service."""
    del session, service_code
    return "13"
