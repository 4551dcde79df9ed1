"""The converted document as paper: a first page with its mark and the facility's place to sign, then the scan."""

import hashlib
from typing import Any

import msgspec
from msgspec import Struct

from emr.facility_signature import PLACE
from emr.patients.views import PatientView
from emr.scans.reading import Pages
from kernel.clock import Instant, format_instant
from kernel.facility import Facility
from kernel.paper import blocks as b
from kernel.paper.render import render

MARK = "Bản điện tử chuyển đổi từ văn bản giấy"
EXTENSIONS = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}


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


def render_scan(paper: ConvertedPaper) -> bytes:
    """Lay out and render. Pure and CPU-bound: for a worker process."""
    source = hashlib.sha256(paper.source).hexdigest()
    return render(
        b.PaperDocument(
            title=f"{paper.title} - {paper.patient.name.upper()}",
            author=paper.person,
            created_at=paper.at,
            blocks=(*_front(paper, source), *_pages(paper.scan)),
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
            attachments=_carried(paper, source),
        )
    )


def _front(paper: ConvertedPaper, source: str) -> list[b.Block]:
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
    return [
        b.Letterhead(authority=paper.facility.governing_body, facility=paper.facility.name, unit=""),
        b.Title(text=MARK.upper()),
        b.Fields(rows=tuple((b.Value(label=label, text=text),) for label, text in facts)),
        PLACE,
    ]


def _pages(scan: Pages) -> list[b.Block]:
    content: list[b.Block] = []
    for page in scan.pages:
        content += [
            b.PageBreak(),
            b.Picture(jpeg=page.jpeg, pixels=(page.width, page.height), grey=page.grey),
        ]
    return content


def _carried(paper: ConvertedPaper, source: str) -> tuple[b.Attachment, ...]:
    """The scan as it came in, and what was said of it."""
    media_type = paper.scan.media_type
    said: dict[str, Any] = {
        "schema": "lanh.scan/1",
        "title": paper.title,
        "patient": paper.patient.code,
        "convertedAt": paper.at,
        "convertedBy": paper.person,
        "paper": paper.fate,
        "source": {"sha256": source, "mediaType": media_type, "pages": len(paper.scan.pages)},
    }
    data = msgspec.json.encode(said, order="deterministic")
    return (
        b.Attachment(
            f"ban-quet.{EXTENSIONS[media_type]}", paper.source, "Bản quét nguyên vẹn", media_type=media_type
        ),
        b.Attachment("scan.json", data, "Dữ liệu chuyển đổi"),
    )
