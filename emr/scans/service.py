"""Convert a scan of paper into an electronic document with its mark, for the facility to sign (NĐ 137/2024 Đ4)."""

import hashlib
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.facility_signature import SLOT
from emr.patients.service import get_patient
from emr.scans.models import Scan
from emr.scans.paper import ConvertedPaper, render_scan
from emr.scans.reading import read_scan
from emr.settings import EmrSettings
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.paper.render import page_count
from kernel.paper.verify import new_code, verify_url
from kernel.problems import Conflict, NotFound, Refused
from kernel.services import Services
from kernel.staff.api import Actor
from signing.api import DocumentView, NewDocument, get_document, prepare_document


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
        slots=[SLOT],
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
