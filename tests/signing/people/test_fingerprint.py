"""A reader of fingerprints: a match is all it may say."""

from uuid import uuid4

import httpx
import pytest

from hospital.demo.outside.people import ReaderMood
from kernel.clock import utc_now
from kernel.outbox.api import drain
from kernel.services import Services
from kernel.staff.api import Actor
from signing.api import verify_file
from signing.people.confirm import ConsentMissing, press
from signing.people.outside import FingerprintNoMatch, ReaderSaidTooMuch, ReaderUnreachable
from signing.people.rules import State
from tests.signing.hospital import with_authority
from tests.signing.people.ward import Outside, a_paper, a_sitting, sealed_pdf, state_of


async def test_a_fingerprint_leaves_the_match_alone(
    services: Services, doctor_in: Actor, outside: Outside
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    with pytest.raises(ConsentMissing):
        await press(services, tablet.code, tablet.token, consent=False, now=utc_now())
    await press(services, tablet.code, tablet.token, consent=True, now=utc_now())
    await drain(services)
    report = await verify_file(services, await sealed_pdf(services, paper.id), now=utc_now())
    assert report.valid
    assert report.signatures[0].person is not None
    assert report.signatures[0].person.lines == ("Đầu đọc FPR-DEMO-01: khớp, điểm 93/100",)
    assert len(outside.world.matches) == 1


@pytest.mark.parametrize(
    ("mood", "refusal"),
    [
        (ReaderMood.NO_MATCH, FingerprintNoMatch),
        (ReaderMood.NOT_ENROLLED, FingerprintNoMatch),
        (ReaderMood.WEAK, FingerprintNoMatch),
        (ReaderMood.BUSY, ReaderUnreachable),
        (ReaderMood.ERROR, ReaderUnreachable),
        (ReaderMood.IMAGE, ReaderSaidTooMuch),
    ],
)
async def test_what_a_reader_may_not_say_signs_nothing(
    services: Services, doctor_in: Actor, outside: Outside, mood: ReaderMood, refusal: type[Exception]
) -> None:
    tablet = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=uuid4()))
    await tablet.see()
    outside.world.reader = mood
    with pytest.raises(refusal) as told:
        await press(services, tablet.code, tablet.token, consent=True, now=utc_now())
    assert "BIOMETRIC" not in repr(told.value)
    assert "QklPTUVUUklD" not in repr(told.value)
    assert await state_of(services, tablet.view.id) is State.SHOWN


async def test_a_slow_reader_is_given_up(services: Services, doctor_in: Actor, outside: Outside) -> None:
    tablet = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=uuid4()))
    await tablet.see()

    def too_slow(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(too_slow)) as http:
        with pytest.raises(ReaderUnreachable):
            await press(
                with_authority(services, http), tablet.code, tablet.token, consent=True, now=utc_now()
            )
