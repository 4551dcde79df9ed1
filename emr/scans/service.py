"""Convert a scan of paper into an electronic document with its mark, for the facility to sign (NĐ 137/2024 Đ4)."""

import hashlib
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.patients.service import get_patient
from emr.patients.views import PatientView
from emr.scans.models import Scan
from emr.scans.reading import Pages, read_scan
from emr.settings import EmrSettings
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, format_instant
from kernel.facility import Facility
from kernel.ids import new_id
from kernel.paper import blocks as b
from kernel.paper.render import page_count, render
from kernel.paper.verify import new_code, verify_url
from kernel.problems import Conflict, NotFound, Refused
from kernel.services import Services
from kernel.staff.api import Actor
from signing.api import DocumentView, NewDocument, NewSlot, get_document, prepare_document

MARK = "Bản điện tử chuyển đổi từ văn bản giấy"


class PaperFate(StrEnum):
    """What becomes of the paper: the head of the facility decides by regulation."""

    KEPT = "KEPT"
    RETURNED = "RETURNED"
    DESTROYED = "DESTROYED"


FATES = {
    PaperFate.KEPT: "Lưu bản giấy",
    PaperFate.RETURNED: "Trả bản giấy cho người nộp",
    PaperFate.DESTROYED: "Huỷ theo quyết định của cơ sở",
}
EXTENSIONS = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}


class ConvertScan(Struct, frozen=True, forbid_unknown_fields=True):
    """A scan and what it is of. `id` is the client's and makes a repeat harmless."""

    id: UUID
    patient_id: UUID
    title: Annotated[str, Meta(min_length=3, max_length=150)]
    paper_fate: PaperFate
    data: bytes


class ScanLine(Struct, frozen=True):
    id: UUID
    title: str
    pages: int
    paper_fate: PaperFate
    converted_at: Instant
    converted_name: str
    document: DocumentView


class ScanRefused(Refused):
    """The file is of another kind, too large, has too many pages, or can't be read."""

    slug = "scan-refused"


class ScanIdReused(Conflict):
    slug = "scan-id-reused"


class NoSuchScan(NotFound):
    slug = "no-such-scan"


class ConvertedPaper(Struct, frozen=True):
    """Everything the converted document holds; goes to a worker process."""

    scan: Pages
    source: bytes
    title: str
    patient: PatientView
    fate: str
    facility: Facility
    person: str
    at: Instant
    code: str
    verify_url: str
    stamp: str


async def convert_scan(
    services: Services, command: ConvertScan, *, actor: Actor, now: Instant, settings: EmrSettings
) -> UUID:
    """Make the converted document, keep it, and let the facility sign it; returns the document's id.

    Raises NoSuchPatient, ScanRefused, ScanIdReused.
    """
    source_sha256 = hashlib.sha256(command.data).hexdigest()
    async with services.sessions.begin() as session:
        known = await session.get(Scan, command.id)
        if known is not None:
            if (known.patient_id, known.source_sha256) != (command.patient_id, source_sha256):
                raise ScanIdReused("Mã này đã dùng cho một bản quét khác.")
            return known.document_id
        patient = await get_patient(session, command.patient_id)
    if len(command.data) > settings.scan_bytes_maximum:
        size = settings.scan_bytes_maximum // 1_000_000
        raise ScanRefused(f"Tệp lớn hơn {size} MB. Hãy quét ở 300 dpi, đen trắng hoặc xám.", field="file")
    scan = await services.cpu.run(read_scan, command.data, settings.scan_pages_maximum)
    if scan.refusal:
        raise ScanRefused(scan.refusal, field="file")
    kernel, code = services.settings.kernel, new_code()
    paper = ConvertedPaper(
        scan=scan,
        source=command.data,
        title=command.title.strip(),
        patient=patient,
        fate=FATES[command.paper_fate],
        facility=kernel.facility,
        person=f"{actor.title} {actor.name}".strip(),
        at=now,
        code=code,
        verify_url=verify_url(kernel.base_url, code),
        stamp="BẢN CHẠY THỬ" if kernel.demo else "",
    )
    pdf = await services.cpu.run(render_scan, paper)
    sha256 = await services.objects.put(pdf)
    async with services.sessions.begin() as session:
        return await _keep(session, command, paper, sha256, page_count(pdf), source_sha256, actor=actor)


async def _keep(
    session: AsyncSession,
    command: ConvertScan,
    paper: ConvertedPaper,
    sha256: str,
    pages: int,
    source_sha256: str,
    *,
    actor: Actor,
) -> UUID:
    document = NewDocument(
        id=new_id(),
        kind="SCAN",
        title=paper.title,
        subject=f"emr.scan:{command.id}",
        patient_id=command.patient_id,
        patient_name=paper.patient.name,
        author_id=actor.id,
        sha256=sha256,
        pages=pages,
        slots=[NewSlot(field="co_so", label="Cơ sở khám bệnh, chữa bệnh", organisation=True)],
        code=paper.code,
    )
    await prepare_document(session, document, now=paper.at)
    session.add(
        Scan(
            id=command.id,
            patient_id=command.patient_id,
            title=paper.title,
            media_type=paper.scan.media_type,
            source_sha256=source_sha256,
            pages=len(paper.scan.pages),
            paper_fate=command.paper_fate,
            document_id=document.id,
            converted_at=paper.at,
            converted_by=actor.id,
            converted_name=paper.person,
        )
    )
    await session.flush()
    detail = {"document": str(document.id), "paper": command.paper_fate.value, "sha256": sha256}
    await record(session, Entry(Action.CREATE, document.subject, command.patient_id, detail=detail), actor)
    return document.id


def render_scan(paper: ConvertedPaper) -> bytes:
    """Lay out: a first page with the mark and the facility's place to sign, then the pages of the scan."""
    source = hashlib.sha256(paper.source).hexdigest()
    facts = (
        ("Văn bản:", paper.title),
        ("Người bệnh:", f"{paper.patient.name.upper()} · {paper.patient.code}"),
        ("Chuyển đổi lúc:", format_instant(paper.at)),
        ("Người chuyển đổi:", paper.person),
        ("Cơ quan chuyển đổi:", paper.facility.name),
        ("Số trang bản giấy:", str(len(paper.scan.pages))),
        ("Bản giấy:", paper.fate),
        ("Dấu băm bản quét:", source[:32]),
    )
    content: list[b.Block] = [
        b.Letterhead(authority=paper.facility.governing_body, facility=paper.facility.name, unit=""),
        b.Title(text=MARK.upper()),
        b.Fields(rows=tuple((b.Value(label=label, text=text),) for label, text in facts)),
        b.Signatures(
            slots=(b.Slot(field="co_so", role="CƠ SỞ KHÁM BỆNH, CHỮA BỆNH", hint="(Ký số của cơ sở)"),)
        ),
    ]
    for page in paper.scan.pages:
        content += [
            b.PageBreak(),
            b.Picture(jpeg=page.jpeg, pixels=(page.width, page.height), grey=page.grey),
        ]
    record_of_it = {
        "schema": "lanh.scan/1",
        "title": paper.title,
        "patient": paper.patient.code,
        "convertedAt": paper.at,
        "convertedBy": paper.person,
        "paper": paper.fate,
        "source": {"sha256": source, "mediaType": paper.scan.media_type, "pages": len(paper.scan.pages)},
    }
    name = f"ban-quet.{EXTENSIONS[paper.scan.media_type]}"
    return render(
        b.PaperDocument(
            title=f"{paper.title} - {paper.patient.name.upper()}",
            author=paper.person,
            created_at=paper.at,
            blocks=tuple(content),
            foot=b.Foot(
                owner=paper.facility.name,
                person=paper.person,
                at=paper.at,
                code=paper.code,
                verify_url=paper.verify_url,
                note=MARK,
            ),
            running=f"{MARK} · {paper.title}",
            stamp=paper.stamp,
            attachments=(
                b.Attachment(name, paper.source, "Bản quét nguyên vẹn", media_type=paper.scan.media_type),
                b.Attachment(
                    "scan.json",
                    msgspec.json.encode(record_of_it, order="deterministic"),
                    "Dữ liệu chuyển đổi",
                ),
            ),
        )
    )


async def scans_of(session: AsyncSession, patient_id: UUID, *, actor: Actor) -> list[ScanLine]:
    """Return a person's converted papers, the latest first, and audit the look."""
    rows = await session.scalars(
        select(Scan).where(Scan.patient_id == patient_id).order_by(Scan.converted_at.desc()).limit(200)
    )
    await record(session, Entry(Action.VIEW, f"emr.patient:{patient_id}", patient_id), actor)
    return [
        ScanLine(
            row.id,
            row.title,
            row.pages,
            PaperFate(row.paper_fate),
            row.converted_at,
            row.converted_name,
            await get_document(session, row.document_id),
        )
        for row in rows
    ]


async def scan_file(services: Services, scan_id: UUID, *, actor: Actor) -> bytes:
    """Return the converted document as it stands, and record that it was seen. Raises NoSuchScan."""
    async with services.sessions.begin() as session:
        row = await session.get(Scan, scan_id)
        if row is None:
            raise NoSuchScan("Không có bản quét này.")
        document = await get_document(session, row.document_id)
        await record(session, Entry(Action.VIEW, f"emr.scan:{scan_id}", row.patient_id), actor)
    return await services.objects.get(document.head_sha256)
