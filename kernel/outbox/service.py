"""Write events and jobs inside the business transaction; look after those that failed."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import CTE, FromClause, Table, bindparam, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.outbox.models import OutboxJob, PeriodicJob
from kernel.outbox.registry import handler_of, handlers_of
from kernel.problems import Conflict, NotFound, Refused
from kernel.staff.rules import Actor
from kernel.statements import Statement
from kernel.wake import tell_after_commit

JOBS_TOPIC = "jobs"
KEEP_FINISHED = timedelta(days=30)

_JOBS = cast(Table, OutboxJob.__table__)  # Core: half the time of an insert through the mapper.


_WRITE = Statement(insert(_JOBS).values({name: bindparam(name) for name in ("kind", "payload", "lane")}))
_WRITE_MANY = Statement(
    text(
        "INSERT INTO kernel_job (kind, payload, lane) SELECT kind, payload, lane FROM ROWS FROM"
        " (jsonb_to_recordset(:jobs) AS (kind text, payload jsonb, lane text)) WITH ORDINALITY"
        " AS job (kind, payload, lane, place) ORDER BY place"
    ).bindparams(bindparam("jobs", type_=JSONB))
)
_LATER = ("kind", "payload", "key", "run_at")
_WRITE_ONCE = Statement(
    insert(_JOBS)
    .values({name: bindparam(name) for name in ("kind", "payload", "lane", "key")})
    .values(run_at=func.coalesce(bindparam("run_at", type_=_JOBS.c.run_at.type), func.clock_timestamp()))
    .on_conflict_do_nothing(index_elements=["kind", "key"])
    .returning(_JOBS.c.id)
)


class JobState(StrEnum):
    READY = "ready"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"
    DISCARDED = "discarded"


class JobView(Struct, frozen=True):
    """A job as the operator sees it: never its payload, which may name a patient."""

    id: int
    kind: str
    state: JobState
    attempts: int
    run_at: Instant
    created_at: Instant
    finished_at: Instant | None
    last_error: str | None


class PeriodicView(Struct, frozen=True):
    kind: str
    next_at: Instant
    last_finished_at: Instant | None
    failures: int
    last_error: str | None


class JobsOverview(Struct, frozen=True):
    ready: int
    leased: int
    dead: int
    oldest_due_at: Instant | None
    last_turn_at: Instant | None
    """When periodic work last ended: old means that no worker runs."""


class DiscardJob(Struct, frozen=True, forbid_unknown_fields=True):
    job_id: int
    reason: str


class JobNotFound(NotFound):
    slug = "job-not-found"


class JobNotDead(Conflict):
    slug = "job-not-dead"


class ReasonMissing(Refused):
    slug = "reason-missing"


async def publish(session: AsyncSession, event: Struct) -> None:
    """Write one job per handler of this event; they run after this transaction has committed.

    A package's handlers of one aggregate run in the order of publishing: the aggregate is the field named by
    the event's class variable `aggregate`, else its first `…_id`.
    """
    await publish_all(session, [event])


async def publish_all(session: AsyncSession, events: Sequence[Struct]) -> None:
    """Publish several events in one statement, in their order."""
    rows = [row for event in events for row in _jobs_of(event)]
    if not rows:
        return
    if len(rows) == 1:
        await _WRITE.rows(session, **rows[0])
    else:
        await _WRITE_MANY.rows(session, jobs=rows)
    tell_after_commit(session, JOBS_TOPIC)


def _jobs_of(event: Struct) -> list[dict[str, Any]]:
    aggregate, payload = _aggregate_of(event), msgspec.to_builtins(event)
    return [
        {"kind": handler.kind, "payload": payload, "lane": _lane(handler.kind, aggregate)}
        for handler in handlers_of(type(event))
    ]


async def enqueue(
    session: AsyncSession,
    kind: str,
    payload: Struct | None = None,
    *,
    key: str | None = None,
    run_at: Instant | None = None,
    aggregate: UUID | str | None = None,
) -> bool:
    """Write one job of a registered kind. Returns False if one with the same kind and key was written before.

    Raises LookupError for a kind nobody handles.
    """
    handler_of(kind)
    lane, plain = _lane(kind, aggregate), msgspec.to_builtins(payload)
    written = await _WRITE_ONCE.first(session, kind=kind, payload=plain, lane=lane, key=key, run_at=run_at)
    if written is not None and run_at is None:  # One for later is found by looking, once it is due.
        tell_after_commit(session, JOBS_TOPIC)
    return written is not None


def enqueued_later(source: FromClause) -> CTE:
    """Return the part of a writing statement that writes a job for each row of `source`: no trip of its own.

    Its values come from `later_values`.
    """
    given = [bindparam(f"job_{name}", type_=_JOBS.c[name].type) for name in _LATER]
    written = insert(_JOBS).from_select(
        list(_LATER), select(*given).select_from(source), include_defaults=False
    )
    return written.on_conflict_do_nothing(index_elements=["kind", "key"]).cte("enqueued")


def later_values(kind: str, payload: Struct, *, key: str, run_at: Instant) -> dict[str, Any]:
    """Return what a statement with an `enqueued_later` part is given for it. Raises LookupError as `enqueue` does."""
    handler_of(kind)
    return {
        "job_kind": kind,
        "job_payload": msgspec.to_builtins(payload),
        "job_key": key,
        "job_run_at": run_at,
    }


def _aggregate_of(event: Struct) -> Any:
    names = event.__struct_fields__
    name = getattr(type(event), "aggregate", None) or next((n for n in names if n.endswith("_id")), None)
    return getattr(event, name) if name else None


def _lane(kind: str, aggregate: Any) -> str | None:
    return None if aggregate is None else f"{kind.partition('.')[0]}:{aggregate}"


async def dead_letters(session: AsyncSession, *, limit: int = 200) -> list[JobView]:
    """Return jobs that were given up, the latest first."""
    columns = [getattr(OutboxJob, name) for name in JobView.__struct_fields__]
    statement = select(*columns).where(OutboxJob.state == JobState.DEAD)
    found = await session.execute(statement.order_by(OutboxJob.finished_at.desc()).limit(limit))
    return [msgspec.convert(dict(row), JobView) for row in found.mappings()]


async def jobs_overview(session: AsyncSession) -> JobsOverview:
    """Return how many jobs wait, run and are dead, and since when the oldest due one waits."""
    open_states = (JobState.READY, JobState.LEASED, JobState.DEAD)
    statement = select(OutboxJob.state, func.count()).where(OutboxJob.state.in_(open_states))
    found = await session.execute(statement.group_by(OutboxJob.state))
    counts = {row[0]: row[1] for row in found}
    due = (OutboxJob.state == JobState.READY, OutboxJob.run_at <= func.clock_timestamp())
    oldest = await session.scalar(select(func.min(OutboxJob.run_at)).where(*due))
    ready, leased, dead = (counts.get(state, 0) for state in open_states)
    turn = await session.scalar(select(func.max(PeriodicJob.last_finished_at)))
    return JobsOverview(ready=ready, leased=leased, dead=dead, oldest_due_at=oldest, last_turn_at=turn)


async def count_dead(session: AsyncSession) -> int:
    """Return how many jobs wait for a person."""
    dead = select(func.count()).select_from(OutboxJob).where(OutboxJob.state == JobState.DEAD)
    return await session.scalar(dead) or 0


async def periodic_jobs(session: AsyncSession) -> list[PeriodicView]:
    """Return the work that comes round again, by name."""
    columns = [getattr(PeriodicJob, name) for name in PeriodicView.__struct_fields__]
    found = await session.execute(select(*columns).order_by(PeriodicJob.kind))
    return [msgspec.convert(dict(row), PeriodicView) for row in found.mappings()]


async def retry_job(session: AsyncSession, job_id: int, *, actor: Actor) -> None:
    """Give a dead job all its attempts again, from now. Raises JobNotFound, JobNotDead."""
    fresh = {"state": JobState.READY, "attempts": 0, "run_at": func.clock_timestamp(), "finished_at": None}
    await _move_dead(session, job_id, fresh)
    await record(session, Entry(Action.CHANGE, subject=f"kernel.job:{job_id}", reason="retry"), actor)
    tell_after_commit(session, JOBS_TOPIC)


async def discard_job(session: AsyncSession, command: DiscardJob, *, actor: Actor) -> None:
    """Put a dead job away for good. Raises JobNotFound, JobNotDead, ReasonMissing."""
    reason = command.reason.strip()
    if not reason:
        raise ReasonMissing("Hãy ghi lý do bỏ việc này.", field="reason")
    await _move_dead(session, command.job_id, {"state": JobState.DISCARDED})
    await record(session, Entry(Action.VOID, subject=f"kernel.job:{command.job_id}", reason=reason), actor)


async def _move_dead(session: AsyncSession, job_id: int, values: dict[str, Any]) -> None:
    statement = update(OutboxJob).where(OutboxJob.id == job_id, OutboxJob.state == JobState.DEAD)
    if await session.scalar(statement.values(values).returning(OutboxJob.id)) is not None:
        return
    if await session.scalar(select(OutboxJob.id).where(OutboxJob.id == job_id)) is None:
        raise JobNotFound("Không có việc này.")
    raise JobNotDead("Việc này không nằm trong danh sách việc hỏng.")


async def purge_finished(session: AsyncSession, *, now: Instant, limit: int = 5_000) -> int:
    """Delete done and discarded jobs older than KEEP_FINISHED; their dedupe keys go with them."""
    old = (
        select(OutboxJob.id)
        .where(OutboxJob.state.in_([JobState.DONE, JobState.DISCARDED]))
        .where(OutboxJob.finished_at < now - KEEP_FINISHED)
        .limit(limit)
    )
    gone = await session.scalars(delete(OutboxJob).where(OutboxJob.id.in_(old)).returning(OutboxJob.id))
    return len(gone.all())
