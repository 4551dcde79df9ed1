"""Visits nobody began: who took a number on an earlier day and was not seen."""

from uuid import UUID

from msgspec import Struct, convert
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from emr.queues.rules import CARRIED
from kernel.clock import Instant, day_bounds, local_day
from kernel.statements import Statement

_MOST = 500
_UNSEEN = Statement(
    text("""
SELECT visit.id AS visit_id, visit.episode_id, episode.stay_open
    OR EXISTS (SELECT FROM emr_sheet WHERE visit_id = visit.id)
    OR EXISTS (SELECT FROM emr_vitals WHERE visit_id = visit.id)
    OR EXISTS (SELECT FROM emr_order WHERE visit_id = visit.id AND state IN ('DOING', 'REPORTED', 'DONE'))
    AS recorded
FROM emr_visit visit JOIN emr_episode episode ON episode.id = visit.episode_id
WHERE visit.state = 'WAITING' AND visit.opened_at < :before
ORDER BY visit.opened_at LIMIT :most
""")
)


class UnseenVisit(Struct, frozen=True):
    """A visit of an earlier day that still waits for its exam."""

    visit_id: UUID
    episode_id: UUID
    recorded: bool
    """Something of it is on record: measured, written, begun. It is for a person to decide on."""


async def unseen_visits(session: AsyncSession, *, now: Instant) -> list[UnseenVisit]:
    """Return the visits of earlier days nobody began, once their numbers are waited for no longer."""
    before = min(day_bounds(local_day(now))[0], now - CARRIED)
    return convert(await _UNSEEN.rows(session, before=before, most=_MOST), list[UnseenVisit])
