"""Whose turn it is: nobody before another, and the author may take back until somebody else signed."""

import pytest

from emr.sheets.law import legal_slots
from kernel.clock import utc_now
from kernel.services import Services
from signing.api import (
    DocumentState,
    NewSlot,
    SignState,
    WrongDocumentState,
    get_document,
    recall_document,
    sign_documents,
)
from tests.signing.holders import PIN
from tests.signing.hospital import a_document
from tests.signing.tasks.house import House


async def test_the_author_recalls_until_somebody_else_signed(services: Services, house: House) -> None:
    one = await house.for_the_head()
    two = await house.for_the_head()
    await sign_documents(services, house.head, [two.id], PIN, utc_now())
    third = (
        NewSlot(field="bac_si", label="Bác sĩ", owner_staff_id=house.author.id),
        NewSlot(field="truong_khoa", label="Trưởng khoa", owner_role="head", department="K02"),
        NewSlot(field="giam_doc", label="Giám đốc", owner_role="director"),
    )
    three = await a_document(services, house.author, *third)
    for signer in (house.author, house.head):
        await sign_documents(services, signer, [three.id], PIN, utc_now())
    async with services.sessions.begin() as session:
        recalled = await recall_document(session, one.id, actor=house.author, now=utc_now())
        assert recalled.state is DocumentState.RECALLED
        for other in (two, three):
            with pytest.raises(WrongDocumentState):
                await recall_document(session, other.id, actor=house.author, now=utc_now())


async def test_the_director_cannot_sign_a_record_before_the_head(services: Services, house: House) -> None:
    slots = legal_slots(
        "01/BV1", author_id=house.author.id, department="K02", staff={"BS_DIEU_TRI": house.deputy.id}
    )
    document = await a_document(services, house.author, *slots, title="Bệnh án nội khoa")
    assert [slot.label for slot in document.slots] == [
        "Bác sỹ làm bệnh án",
        "Bác sỹ điều trị",
        "Trưởng khoa",
        "Giám đốc bệnh viện",
    ]
    for signer in (house.author, house.deputy, house.head, house.director):
        if signer is not house.director:
            [early] = await sign_documents(services, house.director, [document.id], PIN, utc_now())
            assert early.state is SignState.SKIPPED
        [result] = await sign_documents(services, signer, [document.id], PIN, utc_now())
        assert result.state is SignState.SIGNED, result.reason
    async with services.sessions() as session:
        assert (await get_document(session, document.id)).state is DocumentState.ISSUED
