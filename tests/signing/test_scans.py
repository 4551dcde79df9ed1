"""Paper that arrives: kinds, pages and sizes refused in words; the converted document has its mark and the facility's seal."""

import hashlib
import io

import httpx
import pikepdf
import pytest
from msgspec.structs import replace
from PIL import Image
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from emr.patients.views import PatientView
from emr.scans.models import Scan
from emr.scans.paper import MARK
from emr.scans.reading import read_scan
from emr.scans.service import ConvertScan, PaperFate, ScanIdReused, ScanRefused, convert_scan
from emr.settings import EmrSettings
from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.outbox.api import drain
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.api import DocumentState, TrustList, get_document, verify_pdf
from tests.conftest import SignedIn
from tests.emr.builders import a_hospital, a_patient
from tests.kernel.paper.papers import assert_archivable, pages_of, text_of
from tests.signing.files import a_file
from tests.signing.hospital import give_certificate


@pytest.fixture
async def patient(session: AsyncSession) -> PatientView:
    await a_hospital(session)
    return await a_patient(session)


def a_picture(kind: str = "JPEG", *, mode: str = "RGB", size: tuple[int, int] = (420, 594)) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(out, kind)
    return out.getvalue()


def a_scanned_pdf(*modes: str) -> bytes:
    """A PDF as scanners write them: one picture a page."""
    pages = [Image.linear_gradient("L").resize((420, 594)).convert(mode) for mode in modes]
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:])
    return out.getvalue()


def a_command(patient: PatientView, data: bytes) -> ConvertScan:
    return ConvertScan(new_id(), patient.id, "Giấy chuyển tuyến", PaperFate.KEPT, data)


@pytest.mark.parametrize(
    ("data", "media_type", "pages"),
    [
        (a_picture(), "image/jpeg", 1),
        (a_picture("PNG"), "image/png", 1),
        (a_picture("PNG", mode="1"), "image/png", 1),
        (a_scanned_pdf("RGB", "L", "RGB"), "application/pdf", 3),
    ],
)
def test_scans_are_read(data: bytes, media_type: str, pages: int) -> None:
    found = read_scan(data, 60)
    assert (found.refusal, found.media_type, len(found.pages)) == ("", media_type, pages)
    assert {(page.width, page.height) for page in found.pages} == {(420, 594)}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"hello", "Chỉ nhận bản quét PDF, JPEG hoặc PNG."),
        (b"", "Chỉ nhận bản quét PDF, JPEG hoặc PNG."),
        (a_picture()[:300], "tệp hỏng hoặc ảnh quá lớn"),
        (b"%PDF-1.7\nnothing", "Không đọc được tệp PDF này"),
        (a_file(["x"]), "không phải ảnh quét"),
        (a_scanned_pdf("L", "L", "L"), "có 3 trang, tối đa 2"),
    ],
)
def test_other_files_are_refused_in_words(data: bytes, words: str) -> None:
    found = read_scan(data, 2)
    assert words in found.refusal
    assert not found.pages


async def test_a_scan_becomes_a_marked_document_that_the_facility_signs(
    services: Services, patient: PatientView, signed_in: SignedIn, settings: Settings, pki: DemoPki
) -> None:
    await give_certificate(services.sessions, settings, pki, None)
    clerk = await signed_in(Role.RECEPTION, name="Trần Thị Mai")
    source = a_scanned_pdf("RGB", "L")
    command = a_command(patient, source)
    document = await convert_scan(services, command, actor=clerk, now=utc_now(), settings=EmrSettings())
    assert document == await convert_scan(
        services, command, actor=clerk, now=utc_now(), settings=EmrSettings()
    )
    async with services.sessions() as session:
        before = await get_document(session, document)
        kept = (await session.scalars(select(Scan))).one()
    pdf = await services.objects.get(before.base_sha256)
    assert_archivable(pdf)
    assert (pages_of(pdf), before.pages, kept.pages) == (3, 3, 2)
    words = text_of(pdf)
    for mark in (MARK.upper(), MARK, "Trần Thị Mai", "Lưu bản giấy", "Giấy chuyển tuyến", patient.code):
        assert mark in words
    with pikepdf.open(io.BytesIO(pdf)) as file:
        assert file.attachments["ban-quet.pdf"].get_file().read_bytes() == source
    assert kept.source_sha256 == hashlib.sha256(source).hexdigest()
    assert (kept.paper_fate, kept.converted_by) == ("KEPT", clerk.id)
    await drain(services)
    async with services.sessions.begin() as session:
        after = await get_document(session, document)
        with pytest.raises(DBAPIError):
            async with session.begin_nested():
                await session.execute(text("UPDATE emr_scan SET paper_fate = 'DESTROYED'"))
    assert after.state is DocumentState.ISSUED
    report = verify_pdf(
        await services.objects.get(after.head_sha256),
        TrustList([pki.root], [pki.issuing], demo=True),
        utc_now(),
    )
    assert (report.valid, [one.signer for one in report.signatures]) == (
        True,
        [settings.kernel.facility.name],
    )


async def test_refused_conversions_leave_nothing(
    services: Services, patient: PatientView, signed_in: SignedIn
) -> None:
    clerk: Actor = await signed_in(Role.RECEPTION)
    small = replace(EmrSettings(), scan_bytes_maximum=1_000)
    for data, rules in ((b"hello", EmrSettings()), (a_picture(), small)):
        with pytest.raises(ScanRefused):
            await convert_scan(services, a_command(patient, data), actor=clerk, now=utc_now(), settings=rules)
    async with services.sessions() as session:
        assert not (await session.scalars(select(Scan.id))).all()
    command = a_command(patient, a_picture())
    await convert_scan(services, command, actor=clerk, now=utc_now(), settings=EmrSettings())
    other = replace(command, data=a_picture("PNG"))
    with pytest.raises(ScanIdReused):
        await convert_scan(services, other, actor=clerk, now=utc_now(), settings=EmrSettings())


async def test_the_page_takes_a_scan_from_those_who_receive_paper(
    client: httpx.AsyncClient, services: Services, patient: PatientView, signed_in: SignedIn
) -> None:
    url = f"/patients/{patient.id}/scans"
    await signed_in(Role.CASHIER)
    assert (await client.get(url)).status_code == 403
    await signed_in(Role.RECEPTION)
    assert "tối đa 30 MB và 60 trang" in (await client.get(url)).text
    form = {"id": str(new_id()), "title": "Kết quả nơi khác", "paper_fate": "RETURNED"}
    none = await client.post(url, data=form)
    assert (none.status_code, "Hãy chọn tệp quét" in none.text) == (422, True)
    wrong = await client.post(url, data=form, files={"file": ("a.txt", b"hello", "text/plain")})
    assert (wrong.status_code, "Chỉ nhận bản quét" in wrong.text) == (422, True)
    scan = {"file": ("a.jpg", a_picture(), "image/jpeg")}
    untitled = await client.post(url, data={**form, "title": ""}, files=scan)
    assert untitled.status_code == 422
    answer = await client.post(url, data=form, files=scan)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{url}?converted=1")
    page = (await client.get(url)).text
    assert "Kết quả nơi khác" in page
    assert "Trả bản giấy cho người nộp" in page
    file = await client.get(f"{url}/{form['id']}/file.pdf")
    assert file.content.startswith(b"%PDF-")
