"""The national identity service: asked for each document, believed for that document alone."""

from uuid import uuid4

import pytest
from msgspec.structs import replace

from hospital.demo.outside.people import IdentityMood
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.outbox.api import drain
from kernel.services import Services
from kernel.staff.api import Actor
from signing.api import verify_file
from signing.people.confirm import MethodNotOffered, OneDocumentAtATime, draw, identify
from signing.people.opening import NotForThePatient
from signing.people.outside import IdentityRefused, IdentityUnreachable, IdentityWrongAnswer
from signing.people.rules import State
from signing.people.sittings import WrongSittingState
from tests.signing.people.ward import DRAWING, Outside, a_paper, a_sitting, sealed_pdf, state_of


async def test_the_identity_service_is_asked_for_each_document_again(
    services: Services, doctor_in: Actor, outside: Outside
) -> None:
    patient = uuid4()
    papers = [await a_paper(services, doctor_in, patient_id=patient, title=f"Giấy {n}") for n in (1, 2)]
    tablet = await a_sitting(services, doctor_in, *papers)
    await tablet.see()
    ids = [paper.id for paper in papers]
    with pytest.raises(OneDocumentAtATime):
        await identify(services, tablet.code, tablet.token, ids, now=utc_now())
    half = await identify(services, tablet.code, tablet.token, ids[:1], now=utc_now())
    assert half.state is State.SHOWN
    with pytest.raises(WrongSittingState):  # What began so ends so.
        await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
    with pytest.raises(NotForThePatient):
        await identify(services, tablet.code, tablet.token, ids[:1], now=utc_now())
    whole = await identify(services, tablet.code, tablet.token, ids[1:], now=utc_now())
    assert whole.state is State.SIGNED
    assert [one.sha256 for one in outside.world.authentications] == [paper.head_sha256 for paper in papers]
    await drain(services)
    reports = [await verify_file(services, await sealed_pdf(services, key), now=utc_now()) for key in ids]
    assert all(report.valid for report in reports)
    assert [report.signatures[0].person.lines for report in reports if report.signatures[0].person] == [
        ("Giao dịch định danh VN-DEMO-00000001",),
        ("Giao dịch định danh VN-DEMO-00000002",),
    ]


@pytest.mark.parametrize(
    ("mood", "refusal"),
    [
        (IdentityMood.REFUSED, IdentityRefused),
        (IdentityMood.ERROR, IdentityUnreachable),
        (IdentityMood.OTHER, IdentityWrongAnswer),
    ],
)
async def test_what_the_identity_service_does_not_confirm_is_not_signed(
    services: Services, doctor_in: Actor, outside: Outside, mood: IdentityMood, refusal: type[Exception]
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    outside.world.identity = mood
    with pytest.raises(refusal):
        await identify(services, tablet.code, tablet.token, [paper.id], now=utc_now())
    assert await state_of(services, tablet.view.id) is State.SHOWN


async def test_a_used_transaction_of_the_identity_service_signs_no_second_document(
    services: Services, doctor_in: Actor, outside: Outside
) -> None:
    patient = uuid4()
    papers = [await a_paper(services, doctor_in, patient_id=patient, title=f"Giấy {n}") for n in (1, 2)]
    tablet = await a_sitting(services, doctor_in, *papers)
    await tablet.see()
    outside.world.identity = IdentityMood.REPLAY
    await identify(services, tablet.code, tablet.token, [papers[0].id], now=utc_now())
    with pytest.raises(IdentityWrongAnswer):
        await identify(services, tablet.code, tablet.token, [papers[1].id], now=utc_now())
    assert await state_of(services, tablet.view.id) is State.SHOWN


async def test_the_identity_service_is_off_unless_a_facility_names_it(
    services: Services, doctor_in: Actor
) -> None:
    plain = replace(services.settings.signing, people_methods=Settings().signing.people_methods)
    services = replace(services, settings=replace(services.settings, signing=plain))
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    with pytest.raises(MethodNotOffered):
        await identify(services, tablet.code, tablet.token, [paper.id], now=utc_now())
