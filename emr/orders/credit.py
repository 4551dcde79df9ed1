"""Cho nợ: the leader on duty lets an episode go on before payment."""

from datetime import timedelta
from typing import cast
from uuid import UUID

from msgspec import Struct, convert
from sqlalchemy import Table, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.models import Credit as CreditRow
from emr.episodes.models import Episode
from emr.episodes.service import get_episode
from emr.episodes.views import Credit
from emr.orders.models import Order
from emr.orders.rules import OrderState, ReleasedBy
from emr.orders.service import release_orders
from emr.patients.models import Patient
from emr.places.service import is_leader_on_duty
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.problems import Forbidden
from kernel.staff.api import Actor

RECENT = timedelta(days=3)
_PAGE = 100
_CREDITS = cast(Table, CreditRow.__table__)


class HeldBack(Struct, frozen=True):
    """Somebody whose ordered services wait for payment."""

    episode_id: UUID
    code: str
    name: str
    services: list[str]
    since: Instant


class GivenCredit(Struct, frozen=True):
    code: str
    name: str
    reason: str
    granted_at: Instant
    granted_name: str


class NotLeaderOnDuty(Forbidden):
    slug = "not-leader-on-duty"


async def grant_credit(
    session: AsyncSession, episode_id: UUID, command: Credit, *, actor: Actor, now: Instant
) -> list[UUID]:
    """Release the episode's held orders and all later ones; returns those released now.

    Granting twice changes nothing. Raises NoSuchEpisode, NotLeaderOnDuty.
    """
    episode = await get_episode(session, episode_id)
    if not await is_leader_on_duty(session, actor.id, at=now):
        raise NotLeaderOnDuty(
            "Chỉ trực lãnh đạo của ca này mới cho nợ được. Xem lịch trực để biết ai đang trực."
        )
    values = {
        "episode_id": episode_id,
        "reason": command.reason,
        "granted_at": now,
        "granted_by": actor.id,
        "granted_name": actor.name,
    }
    made = insert(_CREDITS).values(values).on_conflict_do_nothing().returning(_CREDITS.c.episode_id)
    if await session.scalar(made) is not None:
        subject = f"emr.episode:{episode_id}"
        entry = Entry(Action.CHANGE, subject, episode.patient_id, command.reason, {"credit": True})
        await record(session, entry, actor)
    held = select(Order.id).where(Order.episode_id == episode_id, Order.state == OrderState.HELD.value)
    return await release_orders(
        session, list(await session.scalars(held)), now=now, by=ReleasedBy.CREDIT, actor=actor
    )


async def waiting_for_money(session: AsyncSession, *, now: Instant) -> list[HeldBack]:
    """Return the open episodes whose orders wait for the till, the longest waiting first."""
    query = (
        select(
            Order.episode_id,
            Episode.code,
            Patient.name,
            func.array_agg(Order.service_name).label("services"),
            func.min(Order.placed_at).label("since"),
        )
        .join(Episode, Episode.id == Order.episode_id)
        .join(Patient, Patient.id == Order.patient_id)
        .where(Order.state == OrderState.HELD.value, Order.placed_at > now - RECENT)
        .group_by(Order.episode_id, Episode.code, Patient.name)
        .order_by(func.min(Order.placed_at))
        .limit(_PAGE)
    )
    return [convert(row._asdict(), HeldBack) for row in await session.execute(query)]


async def credits_given(session: AsyncSession, *, now: Instant) -> list[GivenCredit]:
    """Return the last days' credits, the latest first."""
    query = (
        select(
            Episode.code,
            Patient.name,
            CreditRow.reason,
            CreditRow.granted_at,
            CreditRow.granted_name,
        )
        .join(Episode, Episode.id == CreditRow.episode_id)
        .join(Patient, Patient.id == Episode.patient_id)
        .where(CreditRow.granted_at > now - RECENT)
        .order_by(CreditRow.granted_at.desc())
        .limit(_PAGE)
    )
    return [convert(row._asdict(), GivenCredit) for row in await session.execute(query)]
