"""A job's way: written with its cause, tried, given up, tried again, cleared away."""

from datetime import timedelta

import pytest
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
    dead_letters,
    discard_job,
    drain,
    enqueue,
    job,
    jobs_overview,
    on,
    periodic,
    periodic_jobs,
    publish,
    retry_job,
)
from kernel.outbox.rules import describe_error
from kernel.outbox.service import KEEP_FINISHED, purge_finished
from kernel.services import Services
from kernel.staff.rules import SYSTEM
from tests.kernel.outbox.events import Note, Opened, Slammed, state_of


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
