"""A document that waits too long reminds, and at last tells the head."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.services import Services
from signing.api import sign_documents
from signing.documents.ages import BUCKETS, bucket_of, due_step
from signing.tasks.models import Reminder
from signing.tasks.reminders import remind, reminders_for
from tests.signing.holders import PIN
from tests.signing.hospital import a_document
from tests.signing.tasks.house import House


async def test_each_step_of_age_reminds_once_and_the_last_tells_the_head(
    services: Services, house: House, settings: Settings
) -> None:
    document = await a_document(services, house.author)
    start = utc_now()
    async with services.sessions.begin() as session:
        for hours, written in ((3, 0), (4, 1), (5, 0), (25, 1), (73, 1), (100, 0)):
            at = start + timedelta(hours=hours)
            assert await remind(session, settings=settings.signing, now=at) == written, hours
        steps = await session.execute(select(Reminder.step, Reminder.escalated).order_by(Reminder.step))
        assert [tuple(row) for row in steps] == [(1, False), (2, False), (3, True)]
        [mine] = await reminders_for(session, house.author)
        assert (mine.document_id, mine.step) == (document.id, 3)
        assert [one.document_id for one in await reminders_for(session, house.head)] == [document.id]
        assert await reminders_for(session, house.deputy) == []
    await sign_documents(services, house.author, [document.id], PIN, utc_now())
    async with services.sessions() as session:
        assert await reminders_for(session, house.author) == []


def test_steps_and_ages() -> None:
    start = datetime(2026, 11, 21, tzinfo=UTC)
    ages = [0, 4, 24, 72, 168, 10_000]
    assert [due_step(start, start + timedelta(hours=age), (4, 24, 72)) for age in ages] == [0, 1, 2, 3, 3, 3]
    assert [bucket_of(start, start + timedelta(hours=age)) for age in ages] == [0, 1, 2, 3, 4, 4]
    assert len(BUCKETS) == 5
