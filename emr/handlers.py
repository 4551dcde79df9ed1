"""Importing this registers the event and job handlers of emr, and the parts of sheets that have own tables."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import emr.prescriptions.service
import emr.sheets.handlers  # noqa: F401  (importing registers)
from emr.places.service import on_duty
from kernel.clock import Instant
from signing.api import use_roster


async def leaders_on_duty(session: AsyncSession, at: Instant) -> frozenset[UUID]:
    """Tell signing who leads on duty (trực lãnh đạo)."""
    return frozenset(duty.staff_id for duty in await on_duty(session, at=at, kind="LEADER"))


use_roster(leaders_on_duty)
