"""Jobs of one aggregate run in order, others side by side."""

import asyncio
import random
from datetime import timedelta

from sqlalchemy import text

from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.outbox.api import Backoff, Job, Worker, drain, enqueue, job, on, publish
from kernel.outbox.service import publish_all
from kernel.services import Services
from tests.kernel.outbox.events import Note, Opened, Slammed


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
