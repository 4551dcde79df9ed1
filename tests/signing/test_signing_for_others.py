"""Handing over, ký thay, thừa lệnh, trực lãnh đạo, the seal at night, reminders: who was asked is never lost."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from emr.places.models import Department, Duty
from emr.sheets.law import legal_slots
from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.audit.models import AuditRow
from kernel.clock import Instant, local_day, utc_now
from kernel.ids import new_id
from kernel.outbox.api import drain
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.api import (
    BeingSigned,
    CannotTake,
    Capacity,
    DocumentState,
    DocumentView,
    GiveMandate,
    HandOver,
    MandateIdReused,
    MandateNotFound,
    MandateOver,
    MandateRefused,
    NewSlot,
    NotAPost,
    NotForOthers,
    NotOnDuty,
    NotYourTurn,
    SignState,
    WrongDocumentState,
    end_mandate,
    get_document,
    give_mandate,
    hand_over,
    inbox,
    inbox_for_others,
    recall_document,
    release_seal,
    sign_documents,
    verify_file,
)
from signing.documents.ages import BUCKETS, bucket_of, due_step
from signing.documents.models import Document, Signature, Slot
from signing.tasks.models import Reminder
from signing.tasks.reminders import remind, reminders_for
from signing.tasks.rules import at_night
from signing.tasks.seal import seal_at_daybreak, seals_to_release
from tests.conftest import SignedIn
from tests.signing.holders import PIN
from tests.signing.hospital import a_document, give_certificate


class House:
    """The people of these tests: an author, a head, a deputy, a director."""

    def __init__(self, services: Services, people: list[Actor]) -> None:
        self.services = services
        self.author, self.head, self.deputy, self.director = people

    async def for_the_head(self) -> DocumentView:
        slots = (
            NewSlot(field="bac_si", label="Bác sĩ điều trị", owner_staff_id=self.author.id),
            NewSlot(field="truong_khoa", label="Trưởng khoa", owner_role="head", department="K02"),
        )
        document = await a_document(self.services, self.author, *slots)
        [result] = await sign_documents(self.services, self.author, [document.id], PIN, utc_now())
        assert result.state is SignState.SIGNED
        return document

    async def mandate(self, giver: Actor, capacity: Capacity = Capacity.KT, **changes: object) -> GiveMandate:
        now = utc_now()
        command = GiveMandate(
            new_id(),
            capacity,
            self.deputy.id,
            "QĐ 15/QĐ-BV",
            now - timedelta(hours=1),
            now + timedelta(days=30),
        )
        command = replace(command, **changes)
        async with self.services.sessions.begin() as session:
            await give_mandate(session, command, actor=giver, now=now)
        return command


@pytest.fixture
async def house(signed_in: SignedIn, services: Services, settings: Settings, pki: DemoPki) -> House:
    people = [
        await signed_in(Role.DOCTOR, name="Nguyễn Thị Hương", department="K02"),
        await signed_in(Role.DOCTOR, Role.HEAD, name="Đặng Quốc Việt", department="K02"),
        await signed_in(Role.DOCTOR, name="Phạm Thu Hương", department="K02"),
        await signed_in(Role.DIRECTOR, Role.DOCTOR, name="Lý Thanh Sơn", department="P02"),
    ]
    for number, person in enumerate(people):
        await give_certificate(services.sessions, settings, pki, person, number=f"00118000000{number}")
    return House(services, people)


async def on_the_roster(services: Services, actor: Actor, *, at: Instant) -> None:
    """Let somebody lead on duty from an hour before to an hour after."""
    async with services.sessions.begin() as session:
        if await session.get(Department, "P02") is None:
            session.add(Department(code="P02", name="KHTH", kind="OFFICE", insurance_code="", active=True))
            await session.flush()
        session.add(
            Duty(
                id=new_id(),
                day=local_day(at),
                kind="LEADER",
                department_code="P02",
                staff_id=actor.id,
                starts_at=at - timedelta(hours=1),
                ends_at=at + timedelta(hours=1),
            )
        )


async def evidence_of(services: Services, document: DocumentView, field: str) -> Signature:
    async with services.sessions() as session:
        where = (Signature.document_id == document.id, Signature.field == field)
        return (await session.scalars(select(Signature).where(*where))).one()


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
