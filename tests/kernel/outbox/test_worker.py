"""The worker: woken by commits, alive through cut lines, stopping without losing work."""

import asyncio
from datetime import timedelta

from sqlalchemy import text

from kernel.clock import utc_now
from kernel.outbox.api import Job, Worker, enqueue, job, periodic, periodic_jobs, working
from kernel.outbox.service import JOBS_TOPIC
from kernel.services import Services
from tests.conftest import RealDatabase
from tests.kernel.outbox.events import Note, state_of


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
