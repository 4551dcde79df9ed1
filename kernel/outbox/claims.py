"""The statements of a worker: take jobs, keep them, end them. Every end compares the attempt it belongs to."""

from datetime import timedelta

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant

_CLAIM = text("""
UPDATE kernel_job SET state = 'leased', attempts = attempts + 1, lease_until = clock_timestamp() + CAST(:lease AS interval)
WHERE id IN (
    SELECT j.id FROM kernel_job j
    WHERE j.state = 'ready' AND j.run_at <= coalesce(CAST(:now AS timestamptz), clock_timestamp()) AND j.kind = ANY(:kinds)
      AND (j.lane IS NULL OR NOT EXISTS (
          SELECT FROM kernel_job earlier
          WHERE earlier.lane = j.lane AND earlier.id < j.id AND earlier.state IN ('ready', 'leased')
            AND (earlier.state = 'leased' OR earlier.last_error IS NOT NULL
                 OR earlier.run_at <= coalesce(CAST(:now AS timestamptz), clock_timestamp()))))
    ORDER BY j.run_at, j.id LIMIT :limit FOR UPDATE SKIP LOCKED)
RETURNING id, kind, CAST(payload AS text) AS payload, attempts,
    CAST(extract(epoch FROM clock_timestamp() - run_at) AS float8) AS waited_seconds
""")

_KEEP = text("""
UPDATE kernel_job SET lease_until = clock_timestamp() + CAST(:lease AS interval) WHERE state = 'leased' AND id = ANY(:ids)
""")

_FREE_EXPIRED = text("""
UPDATE kernel_job SET lease_until = NULL, last_error = 'lease expired: the worker vanished',
    state = CASE WHEN attempts >= CAST(:attempts AS integer) THEN 'dead' ELSE 'ready' END,
    finished_at = CASE WHEN attempts >= CAST(:attempts AS integer) THEN clock_timestamp() END
WHERE state = 'leased' AND lease_until < clock_timestamp()
""")

_END = text("""
UPDATE kernel_job SET state = CAST(:state AS text), lease_until = NULL, last_error = CAST(:error AS text),
    attempts = attempts - CAST(:uncounted AS integer),
    run_at = coalesce(clock_timestamp() + CAST(:delay AS interval), run_at),
    finished_at = CASE WHEN CAST(:state AS text) = 'ready' THEN NULL ELSE clock_timestamp() END
WHERE id = :id AND state = 'leased' AND attempts = :attempt
RETURNING EXISTS (SELECT FROM kernel_job next WHERE next.lane = kernel_job.lane AND next.state = 'ready'
                  AND next.id <> kernel_job.id) AS lane_waits
""")

_CLAIM_PERIODIC = text("""
UPDATE kernel_periodic SET lease_until = clock_timestamp() + CAST(:lease AS interval), last_started_at = clock_timestamp()
WHERE kind IN (
    SELECT kind FROM kernel_periodic
    WHERE kind = ANY(:kinds) AND next_at <= clock_timestamp()
      AND (lease_until IS NULL OR lease_until < clock_timestamp())
    FOR UPDATE SKIP LOCKED)
RETURNING kind
""")

_END_PERIODIC = text("""
UPDATE kernel_periodic SET lease_until = NULL, last_finished_at = clock_timestamp(), last_error = CAST(:error AS text),
    next_at = clock_timestamp() + CAST(:every AS interval),
    failures = CASE WHEN CAST(:error AS text) IS NULL THEN 0 ELSE failures + 1 END
WHERE kind = :kind
""")


class Claim(Struct, frozen=True):
    id: int
    kind: str
    payload: str
    attempts: int
    waited_seconds: float


class LeaseLost(Exception):
    """Another worker has the job: this attempt's transaction must not commit."""


async def claim(
    session: AsyncSession, kinds: list[str], *, limit: int, lease: timedelta, now: Instant | None = None
) -> list[Claim]:
    """Lease due jobs, the oldest first, at most the first of each lane.

    A job that is tried again holds its lane; one written for a later time does not until then.
    """
    parameters = {"kinds": kinds, "limit": limit, "lease": lease, "now": now}
    found = await session.execute(_CLAIM, parameters)
    claims = [Claim(**row) for row in found.mappings()]
    return sorted(claims, key=lambda claim: claim.id)


async def keep(session: AsyncSession, ids: list[int], *, lease: timedelta) -> None:
    """Prolong the leases of jobs that are still running here."""
    await session.execute(_KEEP, {"ids": ids, "lease": lease})


async def free_expired(session: AsyncSession, *, attempts: int) -> None:
    """Give jobs of vanished workers back; one that outlived `attempts` workers is dead."""
    await session.execute(_FREE_EXPIRED, {"attempts": attempts})


async def end(
    session: AsyncSession,
    claim: Claim,
    state: str,
    *,
    error: str | None = None,
    delay: timedelta | None = None,
    uncounted: int = 0,
) -> bool:
    """Move this attempt's job on. Returns whether others of its lane wait. Raises LeaseLost if it is another's."""
    values = {"id": claim.id, "attempt": claim.attempts, "state": state, "error": error, "delay": delay}
    lane_waits: bool | None = await session.scalar(_END, values | {"uncounted": uncounted})
    if lane_waits is None:
        raise LeaseLost(claim.id)
    return lane_waits


async def claim_periodic(session: AsyncSession, kinds: list[str], *, lease: timedelta) -> list[str]:
    found = await session.scalars(_CLAIM_PERIODIC, {"kinds": kinds, "lease": lease})
    return list(found)


async def end_periodic(
    session: AsyncSession, kind: str, *, every: timedelta, error: str | None = None
) -> None:
    await session.execute(_END_PERIODIC, {"kind": kind, "every": every, "error": error})
