"""Handing over: who was asked is never lost."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from kernel.audit.models import AuditRow
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.services import Services
from signing.api import (
    BeingSigned,
    CannotTake,
    HandOver,
    NewSlot,
    NotForOthers,
    NotYourTurn,
    SignState,
    WrongDocumentState,
    get_document,
    hand_over,
    inbox,
    sign_documents,
)
from signing.documents.models import Document, Slot
from tests.signing.holders import PIN
from tests.signing.hospital import a_document
from tests.signing.tasks.house import House, evidence_of


async def test_handing_over_keeps_who_was_asked_and_the_age(services: Services, house: House) -> None:
    slots = (
        NewSlot(field="bac_si", label="Bác sĩ", owner_staff_id=house.author.id),
        NewSlot(field="bac_si_2", label="Bác sĩ thứ hai", owner_staff_id=house.head.id),
    )
    document = await a_document(services, house.author, *slots)
    await sign_documents(services, house.author, [document.id], PIN, utc_now())
    command = HandOver(document.id, house.deputy.id, "Đi công tác")
    async with services.sessions.begin() as session:
        before = (await get_document(session, document.id)).next_slot
        after = (await hand_over(session, command, actor=house.head, now=utc_now())).next_slot
        assert before is not None
        assert after is not None
        assert (after.owner_id, after.asked_id) == (house.deputy.id, house.head.id)
        assert after.open_since == before.open_since
        assert [view.id for view in await inbox(session, house.deputy)] == [document.id]
        assert await inbox(session, house.head) == []
    [result] = await sign_documents(services, house.deputy, [document.id], PIN, utc_now())
    assert result.state is SignState.SIGNED
    kept = await evidence_of(services, document, "bac_si_2")
    assert (kept.signer_id, kept.asked_id, kept.capacity) == (house.deputy.id, house.head.id, "OWN")
    async with services.sessions() as session:
        notes = await session.scalars(select(AuditRow).where(AuditRow.reason == "Đi công tác"))
        assert [row.detail["act"] for row in notes] == ["hand-over"]


async def test_handing_over_twice_still_names_the_first_one_asked(services: Services, house: House) -> None:
    document = await house.for_the_head()
    async with services.sessions.begin() as session:
        second = replace(house.author, id=house.deputy.id)
        with pytest.raises(CannotTake):  # A doctor is no head.
            await hand_over(
                session, HandOver(document.id, second.id, "Đi vắng"), actor=house.head, now=utc_now()
            )
    slots = (
        NewSlot(field="bac_si", label="Bác sĩ", owner_staff_id=house.author.id),
        NewSlot(field="bac_si_2", label="Bác sĩ thứ hai", owner_staff_id=house.head.id),
    )
    document = await a_document(services, house.author, *slots)
    await sign_documents(services, house.author, [document.id], PIN, utc_now())
    async with services.sessions.begin() as session:
        for giver, taker in ((house.head, house.deputy), (house.deputy, house.director)):
            await hand_over(session, HandOver(document.id, taker.id, "Đi vắng"), actor=giver, now=utc_now())
        slot = (await get_document(session, document.id)).next_slot
        assert slot is not None
        assert (slot.owner_id, slot.asked_id) == (house.director.id, house.head.id)
        with pytest.raises(DBAPIError, match="never forgotten"):
            async with session.begin_nested():
                await session.execute(update(Slot).where(Slot.id == slot.id).values(asked_id=house.deputy.id))


async def test_forbidden_ways_of_handing_over(services: Services, house: House) -> None:
    own = await a_document(services, house.author)
    theirs = await house.for_the_head()
    command = HandOver(own.id, house.deputy.id, "Nhờ ký")
    async with services.sessions.begin() as session:
        with pytest.raises(NotForOthers):
            await hand_over(session, command, actor=house.author, now=utc_now())
        with pytest.raises(NotYourTurn):
            await hand_over(
                session, HandOver(theirs.id, house.head.id, "Nhờ ký"), actor=house.deputy, now=utc_now()
            )
        held = update(Document).where(Document.id == theirs.id)
        await session.execute(held.values(lease=new_id(), lease_until=utc_now() + timedelta(minutes=1)))
        session.expire_all()
        with pytest.raises(BeingSigned):
            await hand_over(
                session, HandOver(theirs.id, house.director.id, "Nhờ ký"), actor=house.head, now=utc_now()
            )
    await sign_documents(services, house.author, [own.id], PIN, utc_now())
    async with services.sessions.begin() as session:
        with pytest.raises(WrongDocumentState):
            await hand_over(session, command, actor=house.author, now=utc_now())
