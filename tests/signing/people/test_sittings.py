"""Who may sign what in a sitting, on which device, until when, and everything that must not happen."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from msgspec.structs import replace
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from kernel.clock import utc_now
from kernel.outbox.api import drain
from kernel.services import Services
from kernel.staff.api import Actor
from signing.api import verify_file
from signing.documents.models import Document, Signature
from signing.documents.service import recall_document
from signing.people.confirm import draw
from signing.people.opening import (
    BeingSigned,
    NotForThePatient,
    NotOurPaper,
    OpenSitting,
    OtherPatient,
    SittingIdReused,
    open_sitting,
)
from signing.people.rules import BadRepresentative, MayNotSignAlone, RelationMissing, Standing, State, Who
from signing.people.sealing import seal_sitting
from signing.people.sittings import (
    LinkUnknown,
    LinkUsed,
    SittingExpired,
    WrongSittingState,
    cancel_sitting,
    expire,
)
from signing.people.tablet import NotShown, join, note_page, refuse_at_tablet, show
from signing.people.views import waiting_patients
from tests.signing.files import a_file
from tests.signing.people.ward import DRAWING, MOTHER, PATIENT, a_paper, a_sitting, sealed_pdf, state_of


async def test_a_representative_signs_for_a_child_with_the_relation(
    services: Services, doctor_in: Actor
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4(), born=date(2019, 1, 1), kind="01-BV2")
    with pytest.raises(MayNotSignAlone):
        await a_sitting(services, doctor_in, paper)
    with pytest.raises(RelationMissing):
        await a_sitting(services, doctor_in, paper, who=replace(MOTHER, relation=""))
    tablet = await a_sitting(services, doctor_in, paper, who=MOTHER)
    await tablet.see()
    await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
    await drain(services)
    report = await verify_file(services, await sealed_pdf(services, paper.id), now=utc_now())
    person = report.signatures[0].person
    assert person is not None
    assert person.who == "Trần Thị Bình (Mẹ của người bệnh NGUYỄN VĂN AN)"
    assert person.lines[0] == "Lý do ký thay: Người bệnh chưa thành niên"
    async with services.sessions() as session:
        row = await session.scalar(select(Signature).where(Signature.document_id == paper.id))
    assert row is not None
    assert (row.signer_kind, row.signer_title) == ("REPRESENTATIVE", "Mẹ")


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        (replace(MOTHER, standing=None), RelationMissing),
        (MOTHER, BadRepresentative),  # The patient is of age.
        (replace(MOTHER, standing=Standing.UNCONSCIOUS), BadRepresentative),  # No note.
        (
            replace(MOTHER, standing=Standing.UNCONSCIOUS, standing_note="Hôn mê", number="1"),
            BadRepresentative,
        ),
        (
            replace(MOTHER, standing=Standing.UNCONSCIOUS, standing_note="Hôn mê", number="001080000001"),
            BadRepresentative,
        ),
        (replace(PATIENT, relation="Con"), BadRepresentative),
    ],
)
async def test_who_may_not_sign_for_a_grown_patient(
    services: Services, doctor_in: Actor, who: Who, refusal: type[Exception]
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    with pytest.raises(refusal):
        await a_sitting(services, doctor_in, paper, who=who)


async def test_nothing_is_signed_before_every_page_of_every_document_was_shown(
    services: Services, doctor_in: Actor
) -> None:
    patient = uuid4()
    papers = [await a_paper(services, doctor_in, patient_id=patient, pages=n) for n in (2, 1)]
    assert papers[0].pages > 1
    tablet = await a_sitting(services, doctor_in, *papers)
    now = utc_now()
    first = tablet.view.documents[0]
    with pytest.raises(NotShown):
        await draw(services, tablet.code, tablet.token, DRAWING, now=now)
    await note_page(services, tablet.code, tablet.token, 1, 1, now=now)
    with pytest.raises(NotShown, match="Chưa xem hết"):
        await show(services, tablet.code, tablet.token, 1, first.sha256, now=now)
    for page in range(2, first.pages + 1):
        await note_page(services, tablet.code, tablet.token, 1, page, now=now)
    with pytest.raises(NotShown, match="không phải bản"):
        await show(services, tablet.code, tablet.token, 1, "0" * 64, now=now)
    assert (await show(services, tablet.code, tablet.token, 1, first.sha256, now=now)).state is State.OPEN
    with pytest.raises(NotShown):
        await draw(services, tablet.code, tablet.token, DRAWING, now=now)
    with pytest.raises(NotShown):
        await note_page(services, tablet.code, tablet.token, 3, 1, now=now)


async def test_a_link_opens_once_on_one_device(services: Services, doctor_in: Actor) -> None:
    tablet = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=uuid4()))
    with pytest.raises(LinkUsed):
        await join(services, tablet.code, user_agent="Safari iPad", ip="10.0.0.8", now=utc_now())
    with pytest.raises(LinkUsed):
        await note_page(services, tablet.code, "another device", 1, 1, now=utc_now())
    with pytest.raises(LinkUnknown):
        await join(services, "0000-0000-0000-0000", user_agent="", ip="", now=utc_now())
    with pytest.raises(LinkUnknown):
        await join(services, "no code", user_agent="", ip="", now=utc_now())


async def test_a_lost_tablet_is_answered_by_cancelling_and_opening_anew(
    services: Services, doctor_in: Actor
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    lost = await a_sitting(services, doctor_in, paper)
    await lost.see()
    with pytest.raises(BeingSigned):
        await a_sitting(services, doctor_in, paper)
    async with services.sessions.begin() as session:
        await cancel_sitting(session, lost.view.id, "Mất máy", actor=doctor_in, now=utc_now())
    with pytest.raises(WrongSittingState):
        await draw(services, lost.code, lost.token, DRAWING, now=utc_now())
    fresh = await a_sitting(services, doctor_in, paper)
    assert fresh.view.documents[0].shown_at is None


async def test_a_sitting_ends_by_itself(services: Services, doctor_in: Actor) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    late = utc_now() + timedelta(minutes=31)
    with pytest.raises(SittingExpired):
        await draw(services, tablet.code, tablet.token, DRAWING, now=late)
    assert await state_of(services, tablet.view.id) is State.EXPIRED
    other = await a_sitting(services, doctor_in, paper)
    async with services.sessions.begin() as session:
        await expire(session, other.view.id, now=late)
    assert await state_of(services, other.view.id) is State.EXPIRED


async def test_a_link_that_waited_too_long_opens_nothing(services: Services, doctor_in: Actor) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    command = OpenSitting(id=uuid4(), documents=[paper.id], who=PATIENT)
    opened = await open_sitting(services, command, actor=doctor_in, now=utc_now())
    late = utc_now() + timedelta(minutes=11)
    with pytest.raises(SittingExpired):
        await join(services, opened.code, user_agent="", ip="", now=late)


async def test_a_refusal_at_the_tablet_leaves_the_documents_waiting(
    services: Services, doctor_in: Actor
) -> None:
    patient = uuid4()
    tablet = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=patient))
    view = await refuse_at_tablet(services, tablet.code, tablet.token, "Cần hỏi gia đình", now=utc_now())
    assert (view.state, view.reason) == (State.REFUSED, "Cần hỏi gia đình")
    with pytest.raises(WrongSittingState):
        await note_page(services, tablet.code, tablet.token, 1, 1, now=utc_now())
    async with services.sessions() as session:
        [waiting] = await waiting_patients(session, patient_id=patient)
    assert len(waiting.documents) == 1


async def test_what_may_not_be_listed(services: Services, doctor_in: Actor) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    other = await a_paper(services, doctor_in, patient_id=uuid4())
    first_the_doctor = await a_paper(services, doctor_in, patient_id=uuid4(), doctor_first=True)
    with pytest.raises(OtherPatient):
        await a_sitting(services, doctor_in, paper, other)
    with pytest.raises(NotForThePatient):
        await a_sitting(services, doctor_in, first_the_doctor)
    foreign = a_file(["nguoi_benh", "bac_si"]).replace(b"/Root", b"/Prev 9/Root", 1)
    strange = await a_paper(services, doctor_in, patient_id=uuid4(), pdf=foreign)
    with pytest.raises(NotOurPaper):
        await a_sitting(services, doctor_in, strange)
    tablet = await a_sitting(services, doctor_in, paper)
    command = OpenSitting(id=tablet.view.id, documents=[other.id], who=PATIENT)
    with pytest.raises(SittingIdReused):
        await open_sitting(services, command, actor=doctor_in, now=utc_now())


async def test_a_document_recalled_before_the_seal_is_not_sealed(
    services: Services, doctor_in: Actor
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
    with pytest.raises(WrongSittingState):
        async with services.sessions.begin() as session:
            await cancel_sitting(session, tablet.view.id, "", actor=doctor_in, now=utc_now())
    async with services.sessions.begin() as session:
        await recall_document(session, paper.id, actor=doctor_in, now=utc_now())
    await drain(services)
    assert await state_of(services, tablet.view.id) is State.CANCELLED
    assert await sealed_pdf(services, paper.id) == await services.objects.get(paper.base_sha256)


async def test_evidence_can_be_changed_by_nobody(services: Services, doctor_in: Actor) -> None:
    tablet = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=uuid4()))
    await tablet.see()
    for statement in (
        "UPDATE signing_sitting SET state = 'OPEN' WHERE state = 'SHOWN'",
        "DELETE FROM signing_sitting_document",
        "UPDATE signing_sitting_document SET sha256 = repeat('0', 64)",
    ):
        with pytest.raises(DBAPIError):
            async with services.sessions.begin() as session:
                await session.execute(text(statement))


async def test_a_seal_that_cannot_be_set_now_is_set_later_and_once(
    services: Services, doctor_in: Actor
) -> None:
    """Held by another run that died: what the person did waits in the database, and is sealed once."""
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    signed = await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
    held = {"lease": uuid4(), "lease_until": utc_now() + timedelta(minutes=1)}
    async with services.sessions.begin() as session:
        await session.execute(update(Document).where(Document.id == paper.id).values(held))
    assert "ở nơi khác" in await seal_sitting(services, signed.id, now=utc_now())
    assert await state_of(services, signed.id) is State.SIGNED
    late = utc_now() + timedelta(minutes=2)
    for _ in range(2):
        assert await seal_sitting(services, signed.id, now=late) == ""
    assert await state_of(services, signed.id) is State.SEALED
    async with services.sessions() as session:
        rows = (await session.scalars(select(Signature).where(Signature.document_id == paper.id))).all()
    assert len(rows) == 1
