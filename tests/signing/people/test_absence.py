"""Nobody signs, or a finger signs on paper: the reason, two witnesses with their own keys, the scan with its mark."""

import io
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace
from PIL import Image
from sqlalchemy import select

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.outbox.api import drain
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.api import NoCertificate, WrongPin, get_document, verify_file
from signing.documents.models import Signature
from signing.keys import SoftwareSigner
from signing.people import bundle as b
from signing.people.absence import AlreadyWitness, AuthorMayNotWitness, BadScan, NewScan, attach_scan, witness
from signing.people.opening import AbsenceReasonMissing
from signing.people.rules import Absence, Kind, Method, State
from signing.people.sealing import look_of
from signing.people.sittings import SittingExpired, WrongSittingState
from signing.people.views import SittingView, get_sitting
from signing.tasks.engine import Look
from signing.trust import TrustList
from tests.conftest import SignedIn
from tests.signing.files import Letters
from tests.signing.holders import PIN
from tests.signing.hospital import give_certificate
from tests.signing.people.ward import a_paper, a_sitting, judged

Staff = Callable[[str, str], Awaitable[Actor]]


@pytest.fixture
def staff(signed_in: SignedIn, services: Services, settings: Settings, pki: DemoPki) -> Staff:
    async def one(name: str, number: str) -> Actor:
        actor = await signed_in(Role.NURSE, name=name)
        await give_certificate(services.sessions, settings, pki, actor, number=number)
        return actor

    return one


@pytest.fixture
async def author(staff: Staff, services: Services, settings: Settings, pki: DemoPki) -> Actor:
    await give_certificate(services.sessions, settings, pki, None)
    return await staff("Nguyễn Thị Hương", "001180000001")


async def an_absence(services: Services, author: Actor, *, papers: int = 1) -> SittingView:
    patient = uuid4()
    documents = [
        await a_paper(services, author, patient_id=patient, title=f"Giấy {n}") for n in range(papers)
    ]
    tablet = await a_sitting(
        services,
        author,
        *documents,
        kind=Kind.ABSENCE,
        absence=Absence.NO_RELATIVE,
        reason="Hôn mê, chưa tìm được thân nhân",
    )
    return tablet.view


async def report_of(services: Services, document_id: UUID):  # type: ignore[no-untyped-def]  # a report
    async with services.sessions() as session:
        head = (await get_document(session, document_id)).head_sha256
    return await verify_file(services, await services.objects.get(head), now=utc_now())


async def test_two_members_of_staff_witness_with_their_own_keys(
    services: Services, author: Actor, staff: Staff
) -> None:
    view = await an_absence(services, author, papers=2)
    first, second = await staff("Lê Văn Bảy", "001180000002"), await staff("Phạm Thị Tám", "001180000003")
    half = await witness(services, view.id, PIN, actor=first, now=utc_now())
    assert (half.state, len(half.witnesses)) == (State.OPEN, 1)
    whole = await witness(services, view.id, PIN, actor=second, now=utc_now())
    assert (whole.state, whole.method) == (State.SIGNED, Method.WITNESSED)
    await drain(services)
    async with services.sessions() as session:
        assert (await get_sitting(session, view.id)).state is State.SEALED
        row = await session.scalar(
            select(Signature).where(Signature.document_id == view.documents[0].document_id)
        )
    assert row is not None
    assert (row.signer_kind, row.signer_name) == ("WITNESSES", "Lê Văn Bảy, Phạm Thị Tám")
    for item in view.documents:
        report = await report_of(services, item.document_id)
        assert report.valid, report.signatures[0].reasons
        person = report.signatures[0].person
        assert (person.kind, person.method) == ("WITNESSES", "WITNESSED")
        assert person.lines == (
            "Lý do không ký: Không có thân nhân. Hôn mê, chưa tìm được thân nhân",
            "Người làm chứng: Lê Văn Bảy",
            "Người làm chứng: Phạm Thị Tám",
        )


async def test_one_person_is_not_two_witnesses(services: Services, author: Actor, staff: Staff) -> None:
    view = await an_absence(services, author)
    first = await staff("Lê Văn Bảy", "001180000002")
    await witness(services, view.id, PIN, actor=first, now=utc_now())
    with pytest.raises(AlreadyWitness):
        await witness(services, view.id, PIN, actor=first, now=utc_now())


async def test_the_author_of_the_document_does_not_witness_unless_the_facility_allows_it(
    services: Services, author: Actor
) -> None:
    view = await an_absence(services, author)
    with pytest.raises(AuthorMayNotWitness):
        await witness(services, view.id, PIN, actor=author, now=utc_now())
    allowed = replace(services.settings.signing, people_author_may_witness=True)
    services = replace(services, settings=replace(services.settings, signing=allowed))
    assert len((await witness(services, view.id, PIN, actor=author, now=utc_now())).witnesses) == 1


async def test_a_wrong_pin_or_no_key_witnesses_nothing(
    services: Services, author: Actor, staff: Staff, signed_in: SignedIn
) -> None:
    view = await an_absence(services, author)
    first = await staff("Lê Văn Bảy", "001180000002")
    with pytest.raises(WrongPin):
        await witness(services, view.id, "000000", actor=first, now=utc_now())
    keyless = await signed_in(Role.NURSE, name="Không Chứng Thư")
    with pytest.raises(NoCertificate):
        await witness(services, view.id, PIN, actor=keyless, now=utc_now())
    async with services.sessions() as session:
        assert (await get_sitting(session, view.id)).witnesses == []


async def test_an_absence_needs_its_reason_and_ends_in_time(
    services: Services, author: Actor, staff: Staff
) -> None:
    paper = await a_paper(services, author, patient_id=uuid4())
    with pytest.raises(AbsenceReasonMissing):
        await a_sitting(services, author, paper, kind=Kind.ABSENCE, reason="Hôn mê")
    with pytest.raises(AbsenceReasonMissing):
        await a_sitting(services, author, paper, kind=Kind.ABSENCE, absence=Absence.CANNOT_SIGN, reason=" ")
    with pytest.raises(AbsenceReasonMissing):
        await a_sitting(services, author, paper, absence=Absence.CANNOT_SIGN, reason="Gãy tay")
    view = await an_absence(services, author)
    first = await staff("Lê Văn Bảy", "001180000002")
    with pytest.raises(SittingExpired):
        await witness(services, view.id, PIN, actor=first, now=utc_now() + timedelta(hours=1))


async def test_a_tablets_sitting_takes_no_witness_and_no_scan(
    services: Services, author: Actor, staff: Staff
) -> None:
    paper = await a_paper(services, author, patient_id=uuid4())
    tablet = await a_sitting(services, author, paper)
    first = await staff("Lê Văn Bảy", "001180000002")
    with pytest.raises(WrongSittingState):
        await witness(services, tablet.view.id, PIN, actor=first, now=utc_now())
    scan = NewScan(document_id=paper.id, data=a_picture(), paper_kept="Kho hồ sơ")
    with pytest.raises(WrongSittingState):
        await attach_scan(services, tablet.view.id, scan, actor=author, now=utc_now())


def a_picture(kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("L", (80, 120), 255).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
async def test_a_fingerprint_on_paper_comes_in_as_a_scan_with_its_mark(
    services: Services, author: Actor, kind: str
) -> None:
    paper = await a_paper(services, author, patient_id=uuid4())
    sitting = (await a_sitting(services, author, paper, kind=Kind.PAPER)).view
    scan = NewScan(document_id=paper.id, data=a_picture(kind), paper_kept="Kho hồ sơ, hộp 12")
    signed = await attach_scan(services, sitting.id, scan, actor=author, now=utc_now())
    assert (signed.state, signed.method) == (State.SIGNED, Method.PAPER)
    await drain(services)
    report = await report_of(services, paper.id)
    assert report.valid, report.signatures[0].reasons
    [mark] = report.signatures[0].person.lines
    assert mark.startswith("Bản chuyển đổi từ giấy sang điện tử lúc ")
    assert author.name in mark
    with pytest.raises(WrongSittingState):
        await attach_scan(services, sitting.id, scan, actor=author, now=utc_now())


@pytest.mark.parametrize(
    "data", [b"", b"%PDF-1.7 nothing", b"MZ program", a_picture()[:40], b"x" * 10_000_001]
)
async def test_what_is_no_scan_is_refused(services: Services, author: Actor, data: bytes) -> None:
    paper = await a_paper(services, author, patient_id=uuid4())
    sitting = (await a_sitting(services, author, paper, kind=Kind.PAPER)).view
    scan = NewScan(document_id=paper.id, data=data, paper_kept="Kho hồ sơ")
    with pytest.raises(BadScan):
        await attach_scan(services, sitting.id, scan, actor=author, now=utc_now())
    other = NewScan(document_id=uuid4(), data=a_picture(), paper_kept="Kho hồ sơ")
    with pytest.raises(BadScan):
        await attach_scan(services, sitting.id, other, actor=author, now=utc_now())


async def test_witnesses_who_did_not_sign_or_are_one_are_found_out(
    services: Services, author: Actor, staff: Staff, trust: TrustList, seal: SoftwareSigner
) -> None:
    view = await an_absence(services, author)
    names = ("Lê Văn Bảy", "001180000002"), ("Phạm Thị Tám", "001180000003")
    for name, number in names:
        await witness(services, view.id, PIN, actor=await staff(name, number), now=utc_now())
    await drain(services)
    async with services.sessions() as session:
        item = (await get_sitting(session, view.id)).documents[0]
    own = b.decode(await services.objects.get(item.bundle_sha256 or ""))
    assert own.unsigned is not None
    one, two = own.unsigned.witnesses
    cases = {
        "hai người làm chứng khác nhau": (one,),
        "do cùng một người ký": (one, replace(one, id=two.id)),
        "mang tên khác": (one, replace(two, name="Người Khác")),
        "không khớp lời làm chứng": None,
        "hỏng": (one, replace(two, cms="AAAA")),
    }
    pdf = await services.objects.get(item.sha256)
    for reason, witnesses in cases.items():
        unsigned = replace(own.unsigned, witnesses=witnesses) if witnesses else None
        unsigned = unsigned or replace(own.unsigned, statement=own.unsigned.statement + " Thêm.")
        bundle = replace(own, unsigned=unsigned)
        look = look_of(bundle, b.encode(bundle), None, Look(Letters()), "Bệnh viện")
        report = await judged(pdf, item.sha256, seal, look, trust)
        assert not report.valid, reason
        assert any(reason in said for said in report.signatures[0].reasons), report.signatures[0].reasons
