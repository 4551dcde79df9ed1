"""Each way to sign at a tablet: what it leaves, what it refuses, and what a bundle that lies is worth."""

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from sqlalchemy import select, text

from hospital.commands.evidence import evidence
from hospital.commands.verify import describe
from hospital.demo.outside.people import IdentityMood, ReaderMood
from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.outbox.api import drain
from kernel.paper.fonts import regular
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.api import DocumentState, get_document, sign_documents, verify_file, verify_pdf
from signing.appearance import Enclosed
from signing.documents.models import Signature
from signing.keys import SoftwareSigner
from signing.people import bundle as b
from signing.people.confirm import (
    ConsentMissing,
    MethodNotOffered,
    OneDocumentAtATime,
    ask_code,
    draw,
    enter_code,
    identify,
    press,
)
from signing.people.ink import BadEvidenceKey, open_sealed
from signing.people.opening import (
    NotForThePatient,
)
from signing.people.outside import (
    FingerprintNoMatch,
    IdentityRefused,
    IdentityUnreachable,
    IdentityWrongAnswer,
    ReaderSaidTooMuch,
    ReaderUnreachable,
)
from signing.people.phones import (
    BadPhone,
    CodeDead,
    TooManyCodes,
    WrongCode,
    ask_proof,
    prove_phone,
)
from signing.people.rules import (
    BadDrawing,
    Drawing,
    Method,
    Point,
    SignerKind,
    Standing,
    State,
    TooLittleInk,
    Who,
)
from signing.people.sittings import (
    WrongSittingState,
)
from signing.people.views import get_sitting
from signing.tasks.engine import Look, sign_file
from signing.trust import TrustList
from tests.conftest import SignedIn
from tests.signing.conftest import PIN
from tests.signing.hospital import give_certificate, with_authority
from tests.signing.people import DRAWING, Outside, a_paper, a_sitting, people_settings

pytestmark = pytest.mark.anyio

MOTHER = Who(
    kind=SignerKind.REPRESENTATIVE,
    name="Trần Thị Bình",
    number="001185000009",
    relation="Mẹ",
    standing=Standing.MINOR,
)


@pytest.fixture
def settings(settings: Settings, pki: DemoPki) -> Settings:
    return people_settings(settings, pki)


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
async def services(app: object, outside: Outside, pki: DemoPki) -> AsyncIterator[Services]:
    async with outside.client(pki) as http:
        yield with_authority(app.state.services, http)  # type: ignore[attr-defined]  # Litestar's state


@pytest.fixture
async def doctor_in(signed_in: SignedIn, services: Services, settings: Settings, pki: DemoPki) -> Actor:
    actor = await signed_in(Role.DOCTOR, name="Nguyễn Thị Hương")
    await give_certificate(services.sessions, settings, pki, actor)
    await give_certificate(services.sessions, settings, pki, None)
    return actor


async def sealed_pdf(services: Services, document_id: UUID) -> bytes:
    async with services.sessions() as session:
        return await services.objects.get((await get_document(session, document_id)).head_sha256)


async def state_of(services: Services, sitting_id: UUID) -> State:
    async with services.sessions() as session:
        return (await get_sitting(session, sitting_id)).state


async def test_a_drawn_signature_covers_the_listed_documents_and_is_sealed_by_the_hospital(
    services: Services, doctor_in: Actor, trust: TrustList, pki: DemoPki
) -> None:
    patient = uuid4()
    papers = [await a_paper(services, doctor_in, patient_id=patient, title=f"Giấy {n}") for n in (1, 2)]
    tablet = await a_sitting(services, doctor_in, *papers)
    assert (await tablet.see()).state is State.SHOWN
    signed = await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
    assert (signed.state, signed.method) == (State.SIGNED, Method.DRAWN)
    await drain(services)
    assert await state_of(services, signed.id) is State.SEALED
    for paper in papers:
        report = await verify_file(services, await sealed_pdf(services, paper.id), now=utc_now())
        [seal] = report.signatures
        assert report.valid, seal.reasons
        assert seal.organisation == services.settings.kernel.facility.name
        assert seal.person is not None
        assert (seal.person.kind, seal.person.method, seal.person.who) == (
            "PATIENT",
            "DRAWN",
            "NGUYỄN VĂN AN",
        )
        assert (seal.person.text_sha256, seal.person.documents) == (paper.head_sha256, 2)
        assert "Ký tay trên màn hình" in describe("a.pdf", report)
    async with services.sessions() as session:
        rows = (await session.scalars(select(Signature).where(Signature.document_id == papers[0].id))).all()
        assert [(r.signer_kind, r.signer_name, r.method) for r in rows] == [
            ("PATIENT", "NGUYỄN VĂN AN", "DRAWN")
        ]
        following = (await get_document(session, papers[0].id)).next_slot
    assert following is not None
    assert following.owner_id == doctor_in.id


async def test_the_doctor_signs_after_the_patient_and_both_signatures_stay_valid(
    services: Services, doctor_in: Actor
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
    await drain(services)
    [result] = await sign_documents(services, doctor_in, [paper.id], PIN, utc_now())
    assert result.reason == ""
    report = await verify_file(services, await sealed_pdf(services, paper.id), now=utc_now())
    assert report.valid
    assert [bool(s.person) for s in report.signatures] == [True, False]
    async with services.sessions() as session:
        assert (await get_document(session, paper.id)).state is DocumentState.ISSUED


async def test_a_patient_who_signs_after_the_doctor_leaves_the_first_signature_valid(
    services: Services, doctor_in: Actor
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4(), doctor_first=True)
    await sign_documents(services, doctor_in, [paper.id], PIN, utc_now())
    async with services.sessions() as session:
        paper = await get_document(session, paper.id)
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
    await drain(services)
    report = await verify_file(services, await sealed_pdf(services, paper.id), now=utc_now())
    assert report.valid
    assert [bool(s.person) for s in report.signatures] == [False, True]


async def test_how_the_hand_moved_opens_only_with_the_key_the_hospital_keeps_apart(
    services: Services, doctor_in: Actor, pki: DemoPki, tmp_path: Path
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    view = await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
    assert view.documents[0].bundle_sha256 is not None
    raw = await services.objects.get(view.documents[0].bundle_sha256)
    bundle = b.decode(raw)
    assert bundle.ink is not None
    strokes = open_sealed(
        bundle.ink.sealed, (pki.folder / "ink.key").read_bytes(), bound_to=bytes.fromhex(paper.head_sha256)
    )
    assert json.loads(strokes)[0][3] == [96, 160, 54, 0.5]
    assert hashlib.sha256(strokes).hexdigest() == bundle.ink.sha256
    with pytest.raises(BadEvidenceKey):
        open_sealed(bundle.ink.sealed, (pki.folder / "ink.key").read_bytes(), bound_to=bytes(32))
    with pytest.raises(BadEvidenceKey):
        open_sealed(bundle.ink.sealed, (pki.folder / "tsa.key").read_bytes(), bound_to=bytes(32))
    assert b'"t":' not in raw
    await drain(services)
    file = tmp_path / "a.pdf"
    file.write_bytes(await sealed_pdf(services, paper.id))
    arguments = [str(file), "--out", str(tmp_path / "out"), "--key", str(pki.folder / "ink.key")]
    said = CliRunner().invoke(evidence, arguments)
    assert (said.exit_code, "NGUYỄN VĂN AN" in said.output) == (0, True), said.output
    assert (tmp_path / "out" / "nguoi_benh" / "net-ky.json").read_bytes() == strokes
    assert (tmp_path / "out" / "nguoi_benh" / b.FILE_NAME).read_bytes() == raw
    wrong = CliRunner().invoke(evidence, [*arguments[:-1], str(pki.folder / "tsa.key")])
    assert wrong.exit_code == 2
    file.write_bytes(await services.objects.get(paper.base_sha256))
    assert CliRunner().invoke(evidence, [str(file)]).exit_code == 1
    assert strokes not in raw


@pytest.mark.parametrize(
    ("drawing", "refusal"),
    [
        (Drawing(600, 240, ()), TooLittleInk),
        (Drawing(600, 240, ((Point(1, 1, 0),) * 30,)), TooLittleInk),
        (replace(DRAWING, strokes=(tuple(replace(p, t=0) for p in DRAWING.strokes[0]),)), TooLittleInk),
        (replace(DRAWING, width=100), BadDrawing),
        (replace(DRAWING, strokes=DRAWING.strokes[::-1]), BadDrawing),
        (replace(DRAWING, width=5), BadDrawing),
        (Drawing(600, 240, (tuple(Point(n % 600, 9, n) for n in range(7000)),)), BadDrawing),
    ],
)
async def test_a_slip_of_the_finger_is_no_signature(
    services: Services, doctor_in: Actor, drawing: Drawing, refusal: type[Exception]
) -> None:
    tablet = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=uuid4()))
    await tablet.see()
    with pytest.raises(refusal):
        await draw(services, tablet.code, tablet.token, drawing, now=utc_now())
    assert await state_of(services, tablet.view.id) is State.SHOWN


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


async def a_proven_phone(services: Services, sitting_id: UUID, staff: Actor, outside: Outside) -> None:
    await ask_proof(services, sitting_id, "0901 234 567", actor=staff, now=utc_now())
    await drain(services)
    await prove_phone(services, sitting_id, outside.code_sent(), actor=staff, now=utc_now())


async def test_a_code_to_a_proven_phone_signs_once(
    services: Services, doctor_in: Actor, outside: Outside
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    with pytest.raises(MethodNotOffered):  # No phone is proven yet.
        await ask_code(services, tablet.code, tablet.token, now=utc_now())
    await a_proven_phone(services, tablet.view.id, doctor_in, outside)
    with pytest.raises(CodeDead):
        await enter_code(services, tablet.code, tablet.token, "123456", now=utc_now())
    await ask_code(services, tablet.code, tablet.token, now=utc_now())
    await drain(services)
    code = outside.code_sent()
    with pytest.raises(WrongCode, match="Còn 2 lần"):
        await enter_code(services, tablet.code, tablet.token, "12", now=utc_now())
    signed = await enter_code(services, tablet.code, tablet.token, f"{code[:3]} {code[3:]}", now=utc_now())
    assert (signed.state, signed.method) == (State.SIGNED, Method.OTP)
    with pytest.raises(WrongSittingState):
        await enter_code(services, tablet.code, tablet.token, code, now=utc_now())
    await drain(services)
    pdf = await sealed_pdf(services, paper.id)
    report = await verify_file(services, pdf, now=utc_now())
    assert report.valid
    assert "******567" in str(report.signatures[0].person)
    async with services.sessions() as session:
        kept = (await session.execute(text("SELECT t::text FROM signing_phone_code t"))).scalars().all()
        kept = [*kept, *(await session.execute(text("SELECT t::text FROM kernel_job t"))).scalars().all()]
    assert not any(code in row.split("+")[0] and f"{code} " in row for row in kept)


async def test_a_code_dies_of_wrong_tries_of_age_and_of_a_newer_one(
    services: Services, doctor_in: Actor, outside: Outside
) -> None:
    tablet = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=uuid4()))
    await tablet.see()
    await a_proven_phone(services, tablet.view.id, doctor_in, outside)
    await ask_code(services, tablet.code, tablet.token, now=utc_now())
    await drain(services)
    first = outside.code_sent()
    await ask_code(services, tablet.code, tablet.token, now=utc_now())
    await drain(services)
    if first != outside.code_sent():
        with pytest.raises(WrongCode):
            await enter_code(services, tablet.code, tablet.token, first, now=utc_now())
    late = utc_now() + timedelta(minutes=6)
    with pytest.raises(CodeDead):
        await enter_code(services, tablet.code, tablet.token, outside.code_sent(), now=late)
    for typed in ("000000", "000001"):
        with pytest.raises(WrongCode):
            await enter_code(services, tablet.code, tablet.token, typed, now=utc_now())
    with pytest.raises(CodeDead):
        await enter_code(services, tablet.code, tablet.token, outside.code_sent(), now=utc_now())
    for _ in range(2):
        await ask_code(services, tablet.code, tablet.token, now=utc_now())
    with pytest.raises(TooManyCodes):
        await ask_code(services, tablet.code, tablet.token, now=utc_now())


async def test_a_phone_is_proven_by_its_holder_and_remembered(
    services: Services, doctor_in: Actor, outside: Outside
) -> None:
    patient = uuid4()
    tablet = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=patient))
    with pytest.raises(BadPhone):
        await ask_proof(services, tablet.view.id, "024 3822 3344", actor=doctor_in, now=utc_now())
    await ask_proof(services, tablet.view.id, "0901234567", actor=doctor_in, now=utc_now())
    await drain(services)
    with pytest.raises(WrongCode):
        await prove_phone(services, tablet.view.id, "000000", actor=doctor_in, now=utc_now())
    await prove_phone(services, tablet.view.id, outside.code_sent(), actor=doctor_in, now=utc_now())
    again = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=patient))
    assert again.view.phone == "+84901234567"
    other = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=uuid4()))
    assert other.view.phone == ""


async def test_a_code_alone_is_not_offered_for_what_the_law_wants_written(
    services: Services, doctor_in: Actor, outside: Outside
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4(), kind="01-BV2")
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    await a_proven_phone(services, tablet.view.id, doctor_in, outside)
    with pytest.raises(MethodNotOffered):
        await ask_code(services, tablet.code, tablet.token, now=utc_now())


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


async def test_without_the_evidence_key_nothing_is_drawn(services: Services, doctor_in: Actor) -> None:
    plain = replace(services.settings.signing, people_ink_key_file=None)
    services = replace(services, settings=replace(services.settings, signing=plain))
    tablet = await a_sitting(services, doctor_in, await a_paper(services, doctor_in, patient_id=uuid4()))
    await tablet.see()
    with pytest.raises(MethodNotOffered):
        await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())


async def test_a_bundle_of_another_document_is_not_valid_although_the_hospital_sealed_it(
    services: Services, doctor_in: Actor, trust: TrustList, seal: SoftwareSigner
) -> None:
    patient = uuid4()
    papers = [await a_paper(services, doctor_in, patient_id=patient, title=f"Giấy {n}") for n in (1, 2)]
    tablet = await a_sitting(services, doctor_in, *papers)
    await tablet.see()
    view = await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
    raws = [await services.objects.get(item.bundle_sha256 or "") for item in view.documents]
    own = b.decode(raws[0])
    cases = {
        "khác": raws[1],
        "không đúng dạng": raws[0].replace(b'"lanh.signing.person/1"', b'"lanh.signing.person/2"'),
        "hỏng": raws[0] + b" ",
        "ô ký khác": b.encode(replace(own, field="bac_si")),
        "đã xem": b.encode(replace(own, device=None)),
        "phần của cách ký": b.encode(replace(own, ink=None)),
    }
    pdf = await services.objects.get(papers[0].head_sha256)
    for reason, raw in cases.items():
        look = Look(regular(), lines=("NB",), enclosed=(Enclosed(b.FILE_NAME, "x", raw),))
        signed = await sign_file(
            pdf,
            papers[0].head_sha256,
            None,
            "nguoi_benh",
            seal,
            trust=trust,
            stamps=None,
            token_room=0,
            look=look,
            now=utc_now(),
        )
        report = verify_pdf(signed.pdf, trust, utc_now())
        assert not report.valid, reason
        assert any(reason in said for said in report.signatures[0].reasons), report.signatures[0].reasons


async def test_a_bundle_that_a_person_seals_for_themselves_is_not_valid(
    services: Services, doctor_in: Actor, trust: TrustList, doctor: SoftwareSigner
) -> None:
    paper = await a_paper(services, doctor_in, patient_id=uuid4())
    tablet = await a_sitting(services, doctor_in, paper)
    await tablet.see()
    view = await draw(services, tablet.code, tablet.token, DRAWING, now=utc_now())
    raw = await services.objects.get(view.documents[0].bundle_sha256 or "")
    signed = await sign_file(
        await services.objects.get(paper.head_sha256),
        paper.head_sha256,
        None,
        "nguoi_benh",
        doctor,
        trust=trust,
        stamps=None,
        token_room=0,
        look=Look(regular(), lines=("NB",), enclosed=(Enclosed(b.FILE_NAME, "x", raw),)),
        now=utc_now(),
    )
    report = verify_pdf(signed.pdf, trust, utc_now())
    assert not report.valid
    assert "không do cơ sở niêm phong" in report.signatures[0].reasons[-1]


def test_a_bundle_has_one_form_only() -> None:
    with pytest.raises(b.BadBundle):
        b.decode(b"{}")
    with pytest.raises(b.BadBundle):
        b.decode(b"[" * 5000)
    with pytest.raises(b.BadBundle):
        b.decode(b" " * (b.BUNDLE_BYTES_MAXIMUM + 1))
