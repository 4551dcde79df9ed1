import asyncio
import random
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec import Struct
from sqlalchemy import text

from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.outbox.api import (
    Backoff,
    DiscardJob,
    GiveUp,
    Job,
    JobNotDead,
    JobNotFound,
    ReasonMissing,
    TryLater,
    Worker,
    dead_letters,
    discard_job,
    drain,
    enqueue,
    isolated_registry,
    job,
    jobs_overview,
    on,
    periodic,
    periodic_jobs,
    publish,
    retry_job,
    working,
)
from kernel.outbox.claims import LeaseLost, claim, end
from kernel.outbox.registry import known_kinds
from kernel.outbox.rules import describe_error
from kernel.outbox.service import JOBS_TOPIC, KEEP_FINISHED, publish_all, purge_finished
from kernel.services import Services
from kernel.staff.rules import SYSTEM
from tests.conftest import RealDatabase


class Opened(Struct, frozen=True):
    door_id: UUID
    number: int


class Slammed(Struct, frozen=True):
    """Names its aggregate itself: the house, not the door."""

    aggregate = "house_id"
    door_id: UUID
    house_id: UUID


class Note(Struct, frozen=True):
    text: str


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    with isolated_registry():
        yield


@pytest.fixture
def services(real_db: RealDatabase) -> Services:
    return real_db.services


async def state_of(services: Services | RealDatabase, kind: str) -> list[tuple[str, int]]:
    async with services.sessions() as session:
        rows = await session.execute(
            text("SELECT state, attempts FROM kernel_job WHERE kind = :kind ORDER BY id"), {"kind": kind}
        )
        return [(row.state, row.attempts) for row in rows]


async def test_an_event_reaches_each_of_its_handlers_once(services: Services) -> None:
    heard: list[tuple[str, Opened]] = []

    @on(Opened, name="a.hear")
    async def first(job: Job, event: Opened) -> None:
        heard.append(("a", event))

    @on(Opened, name="b.hear")
    async def second(job: Job, event: Opened) -> None:
        heard.append(("b", event))

    event = Opened(new_id(), 7)
    async with services.sessions.begin() as session:
        await publish(session, event)
        await publish(session, Slammed(new_id(), new_id()))  # Nobody listens.
    assert await drain(services) == 2
    assert sorted(heard) == [("a", event), ("b", event)]
    assert await drain(services) == 0


async def test_nothing_runs_for_a_transaction_that_rolled_back(services: Services) -> None:
    @on(Opened, name="a.hear")
    async def hear(job: Job, event: Opened) -> None:
        raise AssertionError("never published")

    async with services.sessions() as session:
        await publish(session, Opened(new_id(), 1))
        await session.rollback()
    assert await drain(services) == 0


async def test_the_effect_and_the_end_of_the_job_commit_together(services: Services) -> None:
    @job("a.write")
    async def write(job: Job, note: Note) -> None:
        await job.session.execute(
            text("INSERT INTO kernel_periodic (kind) VALUES (:kind)"), {"kind": note.text}
        )
        if job.attempt == 1:
            raise ZeroDivisionError

    async with services.sessions.begin() as session:
        await enqueue(session, "a.write", Note("effect"))
    with pytest.raises(ZeroDivisionError):
        await drain(services)
    async with services.sessions() as session:
        assert await periodic_jobs(session) == []
    await drain(services, now=utc_now() + timedelta(hours=1))
    async with services.sessions() as session:
        assert [view.kind for view in await periodic_jobs(session)] == ["effect"]
    assert await state_of(services, "a.write") == [("done", 2)]


async def test_a_failing_job_is_tried_later_then_given_up_then_tried_again_by_an_operator(
    services: Services,
) -> None:
    broken = True

    @job("a.fail", backoff=Backoff(attempts=2, base_seconds=60))
    async def fail(job: Job) -> None:
        if broken:
            raise ValueError("Nguyễn Văn An, 079012345678")

    async with services.sessions.begin() as session:
        await enqueue(session, "a.fail")
    assert await drain(services, raises=False) == 1
    assert await drain(services, raises=False) == 0  # Not due yet.
    assert await state_of(services, "a.fail") == [("ready", 1)]
    assert await drain(services, raises=False, now=utc_now() + timedelta(minutes=10)) == 1
    assert await state_of(services, "a.fail") == [("dead", 2)]

    async with services.sessions() as session:
        (letter,) = await dead_letters(session)
        overview = await jobs_overview(session)
    assert (overview.dead, overview.ready, overview.leased) == (1, 0, 0)
    assert letter.last_error is not None
    assert letter.last_error.startswith("ValueError at ")
    assert "An" not in letter.last_error

    broken = False
    async with services.sessions.begin() as session:
        await retry_job(session, letter.id, actor=SYSTEM)
    assert await drain(services) == 1
    assert await state_of(services, "a.fail") == [("done", 1)]


async def test_only_dead_jobs_can_be_retried_or_discarded(services: Services) -> None:
    @job("a.fail")
    async def fail(job: Job) -> None:
        raise GiveUp("the partner refused the number")

    async with services.sessions.begin() as session:
        await enqueue(session, "a.fail")
        with pytest.raises(JobNotFound):
            await retry_job(session, 10**9, actor=SYSTEM)
    async with services.sessions.begin() as session:
        (job_id,) = (await session.scalars(text("SELECT id FROM kernel_job"))).all()
        with pytest.raises(JobNotDead):
            await retry_job(session, job_id, actor=SYSTEM)
        with pytest.raises(JobNotDead):
            await discard_job(session, DiscardJob(job_id, "đã xử lý tay"), actor=SYSTEM)
    await drain(services, raises=False)
    assert await state_of(services, "a.fail") == [("dead", 1)]
    async with services.sessions.begin() as session:
        with pytest.raises(ReasonMissing):
            await discard_job(session, DiscardJob(job_id, "  "), actor=SYSTEM)
        await discard_job(session, DiscardJob(job_id, "đã xử lý tay"), actor=SYSTEM)
    assert await state_of(services, "a.fail") == [("discarded", 1)]
    async with services.sessions() as session:
        kept = await session.execute(text("SELECT action, subject, reason FROM kernel_audit"))
        assert [tuple(row) for row in kept] == [("void", f"kernel.job:{job_id}", "đã xử lý tay")]


async def test_a_handler_may_ask_to_be_called_later_without_using_up_its_attempts(services: Services) -> None:
    @job("a.wait", backoff=Backoff(attempts=1))
    async def wait(job: Job) -> None:
        raise TryLater("the other side is closed at night", after=timedelta(hours=8))

    async with services.sessions.begin() as session:
        await enqueue(session, "a.wait")
    await drain(services, raises=False)
    assert await state_of(services, "a.wait") == [("ready", 0)]


async def test_a_key_is_enqueued_once(services: Services) -> None:
    runs: list[str] = []

    @job("a.once")
    async def once(job: Job, note: Note) -> None:
        runs.append(note.text)

    async with services.sessions.begin() as session:
        assert await enqueue(session, "a.once", Note("x"), key="k")
        assert not await enqueue(session, "a.once", Note("y"), key="k")
        assert await enqueue(session, "a.once", Note("z"))
    await drain(services)
    async with services.sessions.begin() as session:
        assert not await enqueue(session, "a.once", Note("again"), key="k")
    assert await drain(services) == 0
    assert runs == ["x", "z"]


async def test_a_job_nobody_handles_is_refused_where_it_is_written(services: Services) -> None:
    async with services.sessions.begin() as session:
        with pytest.raises(LookupError):
            await enqueue(session, "a.unknown")


async def test_two_handlers_cannot_share_a_name() -> None:
    async def handle(job: Job) -> None: ...

    job("a.same")(handle)
    with pytest.raises(ValueError):
        job("a.same")(handle)
    periodic("a.turn", every=timedelta(seconds=1))(handle)
    with pytest.raises(ValueError):
        periodic("a.turn", every=timedelta(seconds=1))(handle)


async def test_a_packages_handlers_of_one_aggregate_run_in_order_others_side_by_side(
    services: Services,
) -> None:
    seen: list[int] = []
    together, most_together = 0, 0
    door, other = new_id(), new_id()

    @on(Opened, name="a.open")
    async def opened(job: Job, event: Opened) -> None:
        nonlocal together, most_together
        together += 1
        most_together = max(most_together, together)
        await asyncio.sleep(random.random() / 200)
        if event.door_id == door:
            seen.append(event.number)
        together -= 1

    async with services.sessions.begin() as session:
        for number in range(20):
            await publish(session, Opened(door, number))
            await publish(session, Opened(other, number))
    await work_until(services, finished=40)
    assert seen == list(range(20))
    assert most_together >= 2


async def test_an_event_may_name_its_aggregate(services: Services) -> None:
    @on(Slammed, name="a.slam")
    async def slam(job: Job, event: Slammed) -> None: ...

    event = Slammed(new_id(), new_id())
    async with services.sessions.begin() as session:
        await publish(session, event)
        assert await session.scalar(text("SELECT lane FROM kernel_job")) == f"a:{event.house_id}"


async def test_a_dead_job_does_not_hold_up_its_lane(services: Services) -> None:
    seen: list[int] = []

    @on(Opened, name="a.open", backoff=Backoff(attempts=1))
    async def opened(job: Job, event: Opened) -> None:
        if event.number == 0:
            raise ZeroDivisionError
        seen.append(event.number)

    door = new_id()
    async with services.sessions.begin() as session:
        await publish(session, Opened(door, 0))
        await publish(session, Opened(door, 1))
    await drain(services, raises=False)
    assert seen == [1]


async def test_a_failing_job_holds_its_lane_one_written_for_later_does_not(services: Services) -> None:
    seen: list[str] = []

    @job("a.note", backoff=Backoff(base_seconds=60))
    async def note(job: Job, payload: Note) -> None:
        if payload.text == "fails" and job.attempt == 1:
            raise ZeroDivisionError
        seen.append(payload.text)

    async with services.sessions.begin() as session:
        await enqueue(session, "a.note", Note("later"), aggregate="x", run_at=utc_now() + timedelta(days=1))
        await enqueue(session, "a.note", Note("now"), aggregate="x")
        await enqueue(session, "a.note", Note("fails"), aggregate="x")
        await enqueue(session, "a.note", Note("waits"), aggregate="x")
    await drain(services, raises=False)
    assert seen == ["now"]
    await drain(services, now=utc_now() + timedelta(minutes=10))
    assert seen == ["now", "fails", "waits"]


async def test_a_job_for_later_wakes_no_worker(services: Services) -> None:
    heard: list[str | None] = []

    @job("a.note")
    async def note(job: Job, payload: Note) -> None: ...

    end_listening = services.wake.listen(JOBS_TOPIC, heard.append)
    async with services.sessions.begin() as session:
        await enqueue(session, "a.note", Note("later"), run_at=utc_now() + timedelta(days=1))
    assert heard == []
    async with services.sessions.begin() as session:
        await enqueue(session, "a.note", Note("now"))
    assert heard == ["{}"]
    end_listening()


async def test_the_handlers_of_one_event_are_written_in_their_order(services: Services) -> None:
    @on(Opened, name="a.first")
    async def first(job: Job, event: Opened) -> None: ...

    @on(Opened, name="b.second")
    async def second(job: Job, event: Opened) -> None: ...

    async with services.sessions.begin() as session:
        await publish_all(session, [Opened(new_id(), number) for number in range(3)])
        written = await session.execute(text("SELECT kind, payload->>'number' FROM kernel_job ORDER BY id"))
        assert [tuple(row) for row in written] == [
            (kind, str(number)) for number in range(3) for kind in ("a.first", "b.second")
        ]


async def test_a_network_job_holds_no_transaction(services: Services) -> None:
    @job("a.send", network=True)
    async def send(job: Job) -> None:
        with pytest.raises(AssertionError):
            _ = job.session
        async with job.sessions.begin() as session:
            others = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                          " AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()")  # fmt: skip
            assert await session.scalar(others) == 0

    async with services.sessions.begin() as session:
        await enqueue(session, "a.send")
    assert await drain(services) == 1
    assert await state_of(services, "a.send") == [("done", 1)]


async def test_an_attempt_that_lost_its_lease_undoes_its_effect(services: Services) -> None:
    @job("a.slow")
    async def slow(job: Job) -> None:
        await job.session.execute(text("INSERT INTO kernel_periodic (kind) VALUES ('effect')"))
        async with job.sessions.begin() as other:  # Another worker took the job over and ended it.
            await other.execute(text("UPDATE kernel_job SET attempts = attempts + 1"))

    async with services.sessions.begin() as session:
        await enqueue(session, "a.slow")
    await drain(services)
    async with services.sessions() as session:
        assert await periodic_jobs(session) == []
        (found,) = (await session.execute(text("SELECT state FROM kernel_job"))).all()
        assert found.state == "leased"


async def test_only_the_attempt_that_holds_the_lease_can_end_a_job(services: Services) -> None:
    @job("a.x")
    async def handle(job: Job) -> None: ...

    async with services.sessions.begin() as session:
        await enqueue(session, "a.x")
    async with services.sessions.begin() as session:
        (held,) = await claim(session, known_kinds(), limit=9, lease=timedelta(seconds=30))
        assert await claim(session, known_kinds(), limit=9, lease=timedelta(seconds=30)) == []
        await end(session, held, "done")
        with pytest.raises(LeaseLost):
            await end(session, held, "done")


async def work_until(services: Services, *, finished: int, seconds: float = 15.0) -> Worker:
    """Run a worker until so many jobs are finished, then stop it gracefully."""
    worker = Worker(services, concurrency=4, poll_seconds=0.05)
    task = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(seconds):
            while True:
                async with services.sessions() as session:
                    count = await session.scalar(text("SELECT count(*) FROM kernel_job WHERE state = 'done'"))
                if count == finished:
                    break
                await asyncio.sleep(0.02)
    finally:
        worker.stop()
        await task
    return worker


async def test_a_commit_wakes_the_worker_at_once(services: Services) -> None:
    done = asyncio.Event()

    @job("a.now")
    async def now(job: Job) -> None:
        done.set()

    worker = Worker(services, poll_seconds=30)
    task = asyncio.create_task(worker.run())
    await asyncio.sleep(0.2)  # Idle: it waits for a wake-up, not for its next look.
    async with services.sessions.begin() as session:
        await enqueue(session, "a.now")
    async with asyncio.timeout(5):
        await done.wait()
        worker.stop()
        await task
    assert await state_of(services, "a.now") == [("done", 1)]


async def test_work_that_gives_way_waits_while_somebody_waits_for_something_large(
    services: Services,
) -> None:
    ran: list[str] = []
    prompt, patient = asyncio.Event(), asyncio.Event()

    @job("a.prompt")
    async def hurry(job: Job) -> None:
        ran.append("prompt")
        prompt.set()

    @job("a.patient", gives_way=True)
    async def wait(job: Job) -> None:
        ran.append("patient")
        patient.set()

    async with working(services), asyncio.timeout(10):
        with services.giving_way.large():
            async with services.sessions.begin() as session:
                await enqueue(session, "a.patient")
            async with services.sessions.begin() as session:
                await enqueue(session, "a.prompt")
            await prompt.wait()
            assert ran == ["prompt"]
        await patient.wait()
    assert ran == ["prompt", "patient"]


async def test_a_worker_outlives_cut_connections_and_a_database_that_is_away(
    services: Services, real_db: RealDatabase
) -> None:
    effects: list[int] = []

    @job("a.slow")
    async def slow(job: Job, note: Note) -> None:
        await job.session.execute(text("SELECT 1"))
        await asyncio.sleep(0.02)
        effects.append(job.id)

    async with services.sessions.begin() as session:
        for number in range(30):
            await enqueue(session, "a.slow", Note(str(number)))
    worker = Worker(services, poll_seconds=0.05, lease_seconds=0.5)
    task = asyncio.create_task(worker.run())
    for _ in range(3):
        await asyncio.sleep(0.1)
        async with real_db.sessions.begin() as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
    async with asyncio.timeout(60):
        while any(state != "done" for state, _ in await state_of(real_db, "a.slow")):
            async with real_db.sessions.begin() as session:  # Do not wait for the pauses between attempts.
                await session.execute(text("UPDATE kernel_job SET run_at = now() WHERE state = 'ready'"))
            await asyncio.sleep(0.1)
    assert not task.done()
    worker.stop()
    await task
    assert len(set(effects)) == 30


async def test_a_stopping_worker_lets_its_jobs_end_and_gives_long_ones_back(services: Services) -> None:
    started = asyncio.Event()

    @job("a.quick")
    async def quick(job: Job) -> None:
        await asyncio.sleep(0.05)

    @job("a.endless")
    async def endless(job: Job) -> None:
        started.set()
        await asyncio.Event().wait()

    async with services.sessions.begin() as session:
        await enqueue(session, "a.quick")
        await enqueue(session, "a.endless")
    worker = Worker(services, grace_seconds=0.3)
    task = asyncio.create_task(worker.run())
    await started.wait()
    worker.stop()
    async with asyncio.timeout(5):
        await task
    assert await state_of(services, "a.quick") == [("done", 1)]
    assert await state_of(services, "a.endless") == [("ready", 0)]


async def test_a_long_job_keeps_its_lease(services: Services) -> None:
    runs = 0

    @job("a.long", network=True)
    async def long(job: Job) -> None:
        nonlocal runs
        runs += 1
        await asyncio.sleep(1.0)

    async with services.sessions.begin() as session:
        await enqueue(session, "a.long")
    worker = Worker(services, lease_seconds=0.3, poll_seconds=0.05)
    task = asyncio.create_task(worker.run())
    await asyncio.sleep(1.3)
    worker.stop()
    await task
    assert (runs, await state_of(services, "a.long")) == (1, [("done", 1)])


async def test_periodic_work_comes_round_by_one_worker_at_a_time_and_survives_failures(
    services: Services,
) -> None:
    turns = 0

    @periodic("a.turn", every=timedelta(milliseconds=10))
    async def turn(job: Job) -> None:
        nonlocal turns
        turns += 1
        if turns == 2:
            raise ZeroDivisionError

    workers = [Worker(services, poll_seconds=0.02) for _ in range(2)]
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    async with asyncio.timeout(10):
        while turns < 4:
            await asyncio.sleep(0.01)
    for worker in workers:
        worker.stop()
    await asyncio.gather(*tasks)
    async with services.sessions() as session:
        (view,) = await periodic_jobs(session)
    assert (view.kind, view.failures, view.last_error) == ("a.turn", 0, None)


async def test_finished_jobs_are_cleared_away_after_a_month(services: Services) -> None:
    @job("a.x")
    async def handle(job: Job) -> None: ...

    async with services.sessions.begin() as session:
        await enqueue(session, "a.x")
    await drain(services)
    async with services.sessions.begin() as session:
        assert await purge_finished(session, now=utc_now()) == 0
        assert await purge_finished(session, now=utc_now() + KEEP_FINISHED + timedelta(hours=1)) == 1


def test_pauses_double_up_to_a_cap_and_are_spread() -> None:
    backoff = Backoff(base_seconds=2, cap_seconds=60)
    assert [backoff.delay(n, 0.5).total_seconds() for n in (1, 2, 3, 5, 6, 500)] == [2, 4, 8, 32, 60, 60]
    assert backoff.delay(1, 0.0).total_seconds() == 1
    assert backoff.delay(1, 0.999).total_seconds() < 3


def test_an_errors_own_text_is_kept_only_when_it_can_hold_no_patient_data() -> None:
    assert describe_error(KeyError("Nguyễn Văn An")) == "KeyError"
    assert (
        describe_error(ConnectionRefusedError("connect failed")) == "ConnectionRefusedError: connect failed"
    )
    assert describe_error(GiveUp("refused")) == "GiveUp: refused"
