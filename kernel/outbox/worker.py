"""The worker: claims due jobs, runs their handlers side by side, tries again, gives up, stops gracefully."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import metrics
from kernel.clock import Instant, utc_now
from kernel.outbox import claims
from kernel.outbox.claims import Claim, LeaseLost
from kernel.outbox.models import PeriodicJob
from kernel.outbox.registry import Handler, Job, handler_of, known_kinds, periodic_handlers
from kernel.outbox.rules import GiveUp, TryLater, describe_error
from kernel.outbox.service import JOBS_TOPIC, JobState
from kernel.services import Services

log = structlog.get_logger(__name__)

VANISHED_ATTEMPTS = 5


class Worker:
    """Runs jobs in this process until told to stop; as many processes as wanted may run one each."""

    def __init__(
        self,
        services: Services,
        *,
        concurrency: int = 4,
        poll_seconds: float = 1.0,
        lease_seconds: float = 30.0,
        grace_seconds: float = 10.0,
    ) -> None:
        """`lease_seconds`: how long a vanished worker holds its jobs. `grace_seconds`: for running jobs at a stop."""
        self._services = services
        self._concurrency = concurrency
        self._poll_seconds = poll_seconds
        self._lease = timedelta(seconds=lease_seconds)
        self._grace_seconds = grace_seconds
        self._kick = asyncio.Event()
        self._stopping = asyncio.Event()
        self._running: dict[asyncio.Task[None], int] = {}
        self._turns: set[asyncio.Task[Exception | None]] = set()
        self._periodic_written = False
        self._looks = 0
        """How often this worker has looked for jobs: a look while a job ran may have met its closed lane."""
        self._full = False

    def stop(self) -> None:
        """Take no more jobs and let the running ones end."""
        self._stopping.set()
        self._kick.set()

    async def run(self) -> None:
        """Work until `stop`; a database that is away is waited for."""
        unlisten = self._services.wake.listen(JOBS_TOPIC, lambda _: self._kick.set())
        loops = [
            asyncio.create_task(self._each(self._poll_seconds, self._come_round), name="outbox periodic"),
            asyncio.create_task(
                self._each(self._lease.total_seconds() / 3, self._keep), name="outbox leases"
            ),
        ]
        try:
            await self._claim_until_stopped()
            await self._let_end()
        finally:
            unlisten()
            for task in [*loops, *self._running, *self._turns]:
                task.cancel()
            await asyncio.gather(*loops, *self._running, *self._turns, return_exceptions=True)

    async def _claim_until_stopped(self) -> None:
        while not self._stopping.is_set():
            self._kick.clear()
            free = self._concurrency - len(self._running)
            self._looks += 1
            try:
                found = await self._claim(free) if free else []
            except Exception as error:  # noqa: BLE001  (the worker outlives a database that is away)
                log.warning("outbox.claim_failed", error=describe_error(error))
                found = []
            for claim in found:
                self._start(claim)
            self._full = len(self._running) >= self._concurrency
            if self._full or len(found) < free:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._kick.wait(), self._poll_seconds)

    async def _claim(self, free: int) -> list[Claim]:
        async with self._services.sessions.begin() as session:
            kinds = known_kinds(at_once=self._services.giving_way.asked())
            return await claims.claim(session, kinds, limit=free, lease=self._lease)

    def _start(self, claim: Claim) -> None:
        task = asyncio.create_task(self._run_and_kick(claim), name=f"job {claim.kind}")
        self._running[task] = claim.id

    async def _run_and_kick(self, claim: Claim) -> None:
        """Run a job and look for more where its end may have made room: in this worker or in its lane."""
        looks, look_again = self._looks, True
        try:
            ended = await run_claim(self._services, claim)
            look_again = ended.lane_waits or looks != self._looks
        except Exception as error:  # noqa: BLE001  (not even the failure could be written: the lease runs out)
            log.warning("outbox.end_failed", kind=claim.kind, job=claim.id, error=describe_error(error))
        finally:
            self._running.pop(asyncio.current_task(), None)  # type: ignore[arg-type]  # runs in a task
            if look_again or self._full:
                self._kick.set()

    async def _let_end(self) -> None:
        if left := [*self._running, *self._turns]:
            await asyncio.wait(left, timeout=self._grace_seconds)

    async def _each(self, seconds: float, turn: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await turn()
            except Exception as error:  # noqa: BLE001  (the next turn may find the database again)
                log.warning("outbox.turn_failed", error=describe_error(error))
            await asyncio.sleep(seconds)

    async def _keep(self) -> None:
        if self._running:
            async with self._services.sessions.begin() as session:
                await claims.keep(session, list(self._running.values()), lease=self._lease)

    async def _come_round(self) -> None:
        """Give back what vanished workers held, and start the periodic jobs that are due."""
        handlers = periodic_handlers()
        async with self._services.sessions.begin() as session:
            await claims.free_expired(session, attempts=VANISHED_ATTEMPTS)
            due = []
            if handlers and not self._stopping.is_set():
                if not self._periodic_written:
                    await write_periodic(session)
                due = await claims.claim_periodic(session, list(handlers), lease=self._lease)
        self._periodic_written = True
        self._kick.set()
        for kind in due:
            task = asyncio.create_task(run_periodic(self._services, handlers[kind]), name=f"periodic {kind}")
            self._turns.add(task)
            task.add_done_callback(self._turns.discard)


@contextlib.asynccontextmanager
async def working(services: Services, *, concurrency: int = 4) -> AsyncGenerator[Worker, None]:
    """Run a worker beside other work of this process and stop it gracefully."""
    worker = Worker(services, concurrency=concurrency)
    task = asyncio.create_task(worker.run(), name="outbox worker")
    try:
        yield worker
    finally:
        worker.stop()
        await task


class Ended(Struct, frozen=True):
    """How an attempt ended: the handler's error, and whether others of its lane may run now."""

    error: Exception | None
    lane_waits: bool


async def run_claim(services: Services, claim: Claim) -> Ended:
    """Make one attempt at a leased job and write down how it ended."""
    handler, started = handler_of(claim.kind), time.perf_counter()
    metrics.job_wait_seconds.observe(max(0.0, claim.waited_seconds))
    failure: Exception | None = None
    lane_waits = True
    try:
        lane_waits = await _attempt(services, handler, claim)
        outcome = JobState.DONE.value
    except LeaseLost:
        outcome = "lease-lost"
    except asyncio.CancelledError:
        await asyncio.shield(_move(services, claim, JobState.READY, error="the worker stopped", uncounted=1))
        raise
    except Exception as error:  # noqa: BLE001  (whatever a handler raises is a failed attempt)
        failure, outcome = error, await _fail(services, handler, claim, error)
    seconds = time.perf_counter() - started
    metrics.jobs_finished.labels(claim.kind, outcome).inc()
    metrics.job_seconds.labels(claim.kind).observe(seconds)
    log.info("job", kind=claim.kind, job=claim.id, outcome=outcome, ms=round(seconds * 1_000, 1))
    return Ended(failure, lane_waits)


async def _attempt(services: Services, handler: Handler, claim: Claim) -> bool:
    job = Job(claim.kind, claim.attempts, utc_now(), services, claim.id)
    if handler.network:
        await handler.function(job, *_payload(handler, claim))
        return await _move(services, claim, JobState.DONE)
    async with services.sessions.begin() as session:
        await handler.function(replace(job, open_session=session), *_payload(handler, claim))
        return await claims.end(session, claim, JobState.DONE)


def _payload(handler: Handler, claim: Claim) -> list[object]:
    if handler.payload_type is None:
        return []
    return [msgspec.json.decode(claim.payload, type=handler.payload_type)]


async def _fail(services: Services, handler: Handler, claim: Claim, error: Exception) -> str:
    described = describe_error(error)
    if isinstance(error, TryLater):
        await _move(services, claim, JobState.READY, error=described, delay=error.after, uncounted=1)
        return "later"
    if isinstance(error, GiveUp) or claim.attempts >= handler.backoff.attempts:
        log.error("job.dead", kind=claim.kind, job=claim.id, error=described)
        await _move(services, claim, JobState.DEAD, error=described)
        return JobState.DEAD.value
    log.warning("job.failed", kind=claim.kind, job=claim.id, attempt=claim.attempts, error=described)
    delay = handler.backoff.delay(claim.attempts, random.random())  # noqa: S311  (jitter, no secret)
    await _move(services, claim, JobState.READY, error=described, delay=delay)
    return "failed"


async def _move(
    services: Services,
    claim: Claim,
    state: JobState,
    *,
    error: str | None = None,
    delay: timedelta | None = None,
    uncounted: int = 0,
) -> bool:
    try:
        async with services.sessions.begin() as session:
            return await claims.end(session, claim, state, error=error, delay=delay, uncounted=uncounted)
    except LeaseLost:
        return True


async def write_periodic(session: AsyncSession) -> None:
    """Make the rows of the registered periodic jobs."""
    if rows := [{"kind": kind} for kind in periodic_handlers()]:
        await session.execute(insert(PeriodicJob).values(rows).on_conflict_do_nothing())


async def run_periodic(services: Services, handler: Handler) -> Exception | None:
    """Make one turn of a periodic job and set the time of the next. Returns the handler's error, if any."""
    assert handler.every is not None
    job = Job(handler.kind, 1, utc_now(), services)
    failure: Exception | None = None
    try:
        if handler.network:
            await handler.function(job)
            async with services.sessions.begin() as session:
                await claims.end_periodic(session, handler.kind, every=handler.every)
        else:
            async with services.sessions.begin() as session:
                await handler.function(replace(job, open_session=session))
                await claims.end_periodic(session, handler.kind, every=handler.every)
    except Exception as error:  # noqa: BLE001  (whatever a handler raises is a failed turn)
        failure, described = error, describe_error(error)
        log.error("periodic.failed", kind=handler.kind, error=described)
        with contextlib.suppress(Exception):  # Not even that could be written: the lease runs out.
            async with services.sessions.begin() as session:
                await claims.end_periodic(session, handler.kind, every=handler.every, error=described)
    metrics.jobs_finished.labels(handler.kind, "failed" if failure else "done").inc()
    return failure


async def drain(services: Services, *, now: Instant | None = None, raises: bool = True) -> int:
    """Run every job due by `now` (default: the clock), one after the other, until none is left (tests, journey).

    Raises the first handler's error unless `raises` is false. Returns the number of attempts.
    """
    attempts = 0
    while True:
        async with services.sessions.begin() as session:
            found = await claims.claim(session, known_kinds(), limit=1, lease=timedelta(minutes=5), now=now)
        if not found:
            return attempts
        for claim in found:
            attempts += 1
            ended = await run_claim(services, claim)
            if ended.error is not None and raises:
                raise ended.error
