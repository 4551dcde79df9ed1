"""The seal at night waits for the leader on duty, by day it follows by itself."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.outbox.api import drain
from kernel.services import Services
from signing.api import DocumentState, NewSlot, NotOnDuty, WrongDocumentState, get_document, release_seal
from signing.documents.models import Slot
from signing.tasks.rules import at_night
from signing.tasks.seal import seal_at_daybreak, seals_to_release
from tests.signing.hospital import a_document, give_certificate
from tests.signing.tasks.house import House, on_the_roster

NIGHT = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)  # 22:00 in Hà Nội.


async def test_at_night_the_seal_waits_for_the_leader_on_duty(
    services: Services, house: House, settings: Settings, pki: DemoPki
) -> None:
    await give_certificate(services.sessions, settings, pki, None)
    rule = replace(settings.signing, seal_release_hours="00:00-00:00")
    strict = replace(services, settings=replace(services.settings, signing=rule))
    slot = NewSlot(field="co_so", label="Cơ sở", organisation=True)
    document = await a_document(strict, house.author, slot)
    await drain(strict)
    now = utc_now()
    await on_the_roster(strict, house.director, at=now)
    async with strict.sessions.begin() as session:
        assert (await get_document(session, document.id)).state is DocumentState.PENDING
        assert await seals_to_release(session, house.deputy, settings=rule, now=now) == []
        found = await seals_to_release(session, house.director, settings=rule, now=now)
        assert [view.id for view in found] == [document.id]
        with pytest.raises(NotOnDuty):
            await release_seal(session, document.id, actor=house.deputy, now=now)
        await release_seal(session, document.id, actor=house.director, now=now)
        await release_seal(session, document.id, actor=house.director, now=now)
        assert await seals_to_release(session, house.director, settings=rule, now=now) == []
    await drain(strict)
    async with strict.sessions.begin() as session:
        done = await get_document(session, document.id)
        assert done.state is DocumentState.ISSUED
        with pytest.raises(WrongDocumentState):
            await release_seal(session, document.id, actor=house.director, now=now)
        with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
            async with session.begin_nested():
                await session.execute(text("DELETE FROM signing_release"))


async def test_by_day_the_seal_of_the_night_follows_by_itself(
    services: Services, house: House, settings: Settings
) -> None:
    rule = replace(settings.signing, seal_release_hours="17:00-07:00")
    slot = NewSlot(field="co_so", label="Cơ sở", organisation=True)
    document = await a_document(services, house.author, slot)
    async with services.sessions.begin() as session:
        await session.execute(update(Slot).where(Slot.document_id == document.id).values(open_since=NIGHT))
        assert await seal_at_daybreak(session, settings=rule, now=NIGHT) == 0
        morning = NIGHT + timedelta(hours=10)
        assert await seal_at_daybreak(session, settings=rule, now=morning) == 1
        assert await seal_at_daybreak(session, settings=rule, now=morning) == 0


@pytest.mark.parametrize(
    ("hour", "hours", "night"),
    [
        (10, "17:00-07:00", True),
        (23, "17:00-07:00", True),
        (0, "17:00-07:00", False),
        (2, "17:00-07:00", False),
        (2, "08:00-10:00", True),
        (4, "08:00-10:00", False),
        (15, "", False),
        (15, "00:00-00:00", True),
    ],
)
def test_the_night_is_local(hour: int, hours: str, night: bool) -> None:
    assert at_night(datetime(2026, 11, 21, hour, 30, tzinfo=UTC), hours) is night
