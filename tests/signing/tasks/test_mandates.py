"""Ký thay, thừa lệnh, trực lãnh đạo: who signs for a post, and every trace of it."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from kernel.audit.models import AuditRow
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.services import Services
from signing.api import (
    Capacity,
    MandateIdReused,
    MandateNotFound,
    MandateOver,
    MandateRefused,
    NewSlot,
    NotAPost,
    SignState,
    end_mandate,
    get_document,
    give_mandate,
    inbox_for_others,
    sign_documents,
    verify_file,
)
from tests.signing.holders import PIN
from tests.signing.hospital import a_document
from tests.signing.tasks.house import House, evidence_of, on_the_roster


async def test_a_deputy_signs_for_the_post_and_every_trace_says_so(services: Services, house: House) -> None:
    document = await house.for_the_head()
    [early] = await sign_documents(services, house.deputy, [document.id], PIN, utc_now())
    assert early.state is SignState.SKIPPED
    command = await house.mandate(house.head)
    async with services.sessions() as session:
        [(view, mandate)] = await inbox_for_others(session, house.deputy, now=utc_now())
        assert await inbox_for_others(session, house.deputy, now=utc_now() + timedelta(days=31)) == []
    assert view.id == document.id
    assert mandate.words == "KT. Trưởng khoa K02 BS Đặng Quốc Việt"
    [result] = await sign_documents(services, house.deputy, [document.id], PIN, utc_now())
    assert result.state is SignState.SIGNED
    kept = await evidence_of(services, document, "truong_khoa")
    assert (kept.capacity, kept.on_behalf_of) == ("KT", "Trưởng khoa K02 BS Đặng Quốc Việt")
    assert (kept.signer_id, kept.asked_id) == (house.deputy.id, house.head.id)
    assert kept.basis == f"signing.delegation:{command.id}"
    async with services.sessions() as session:
        pdf = await services.objects.get((await get_document(session, document.id)).head_sha256)
        signed = await session.scalars(select(AuditRow).where(AuditRow.action == "sign"))
        assert {row.detail.get("capacity") for row in signed} == {None, "KT"}
    report = await verify_file(services, pdf, now=utc_now())
    assert report.valid
    assert [one.reason for one in report.signatures] == ["", "KT. Trưởng khoa K02 BS Đặng Quốc Việt"]
    reason = "KT. Trưởng khoa K02 BS Đặng Quốc Việt".encode("utf-16-be")
    assert reason.hex().upper().encode() in pdf.upper() or reason in pdf


async def test_by_order_only_the_director_gives_and_the_block_says_tl(
    services: Services, house: House
) -> None:
    slot = NewSlot(field="giam_doc", label="Giám đốc", owner_role="director")
    document = await a_document(services, house.author, slot)
    with pytest.raises(MandateRefused, match="người đứng đầu"):
        await house.mandate(house.head, Capacity.TL)
    await house.mandate(house.director, Capacity.TL)
    [result] = await sign_documents(services, house.deputy, [document.id], PIN, utc_now())
    assert result.state is SignState.SIGNED
    kept = await evidence_of(services, document, "giam_doc")
    assert (kept.capacity, kept.on_behalf_of) == ("TL", "Giám đốc BS Lý Thanh Sơn")


async def test_nobody_signs_an_authors_own_words_for_them(services: Services, house: House) -> None:
    document = await a_document(services, house.head)
    await house.mandate(house.head)
    async with services.sessions() as session:
        assert await inbox_for_others(session, house.deputy, now=utc_now()) == []
    [result] = await sign_documents(services, house.deputy, [document.id], PIN, utc_now())
    assert result.state is SignState.SKIPPED


async def test_refused_mandates(services: Services, house: House) -> None:
    now = utc_now()
    with pytest.raises(NotAPost):
        await house.mandate(house.deputy)
    for capacity in (Capacity.OWN, Capacity.DUTY):
        with pytest.raises(MandateRefused):
            await house.mandate(house.head, capacity)
    for wrong in (
        {"taker_id": house.head.id},
        {"ends_at": now - timedelta(minutes=1)},
        {"starts_at": now + timedelta(days=31)},
        {"ends_at": now + timedelta(days=400)},
    ):
        with pytest.raises(MandateRefused):
            await house.mandate(house.head, **wrong)
    command = await house.mandate(house.head)
    async with services.sessions.begin() as session:
        again = await give_mandate(session, command, actor=house.head, now=now)
        assert again.id == command.id
        with pytest.raises(MandateIdReused):
            await give_mandate(session, command, actor=house.director, now=now)
        with pytest.raises(NotAPost):
            await end_mandate(session, command.id, actor=house.deputy, now=now)
        with pytest.raises(MandateNotFound):
            await end_mandate(session, new_id(), actor=house.head, now=now)
        await end_mandate(session, command.id, actor=house.head, now=now)
        with pytest.raises(MandateOver):
            await end_mandate(session, command.id, actor=house.head, now=now)
        with pytest.raises(DBAPIError, match="ended, never edited"):
            async with session.begin_nested():
                await session.execute(text("UPDATE signing_delegation SET basis = 'khác'"))
    document = await house.for_the_head()
    [result] = await sign_documents(services, house.deputy, [document.id], PIN, utc_now())
    assert result.state is SignState.SKIPPED


async def test_the_leader_on_duty_signs_for_posts_while_the_roster_says_so(
    services: Services, house: House
) -> None:
    document = await house.for_the_head()
    now = utc_now()
    await on_the_roster(services, house.deputy, at=now)
    [late] = await sign_documents(services, house.deputy, [document.id], PIN, now + timedelta(hours=2))
    assert late.state is SignState.SKIPPED
    [result] = await sign_documents(services, house.deputy, [document.id], PIN, now)
    assert result.state is SignState.SIGNED
    kept = await evidence_of(services, document, "truong_khoa")
    assert (kept.capacity, kept.on_behalf_of, kept.basis) == ("DUTY", "Trưởng khoa K02", "duty-roster")
