"""Only the attempt that holds the lease has an effect, and it holds no transaction while it waits."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from kernel.outbox.api import Job, drain, enqueue, job, periodic_jobs
from kernel.outbox.claims import LeaseLost, claim, end
from kernel.outbox.registry import known_kinds
from kernel.services import Services
from tests.kernel.outbox.events import state_of


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
