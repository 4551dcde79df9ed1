"""The treatment sheet as paper: the three columns of 36/BV2, every row with its signature, every entry attached."""

from datetime import datetime

import msgspec
from msgspec import Struct

from emr.facility_signature import PLACE
from emr.patients.rules import age_text, birth_text
from emr.patients.views import PatientView
from emr.sheets.context import SEX_WORDS
from kernel.clock import Instant, format_instant, local_day
from kernel.facility import Facility
from kernel.paper import blocks as b
from kernel.paper.render import render

_SOAP = (("S", "s"), ("O", "o"), ("A", "a"), ("P", "p"))


class AssembledEntry(Struct, frozen=True):
    """One signed entry and its own PDF, byte for byte."""

    at: str
    values: dict[str, str]
    signer: str
    signed_at: Instant | None
    code: str
    sha256: str
    pdf: bytes


class Assembly(Struct, frozen=True):
    entries: tuple[AssembledEntry, ...]
    facility: Facility
    department: str
    patient: PatientView
    stay_number: str
    bed: str
    person: str
    at: Instant
    code: str
    verify_url: str
    stamp: str = ""


def render_assembly(paper: Assembly) -> bytes:
    """Lay out and render. Pure and CPU-bound: for a worker process."""
    return render(assembly_paper(paper))


def assembly_paper(paper: Assembly) -> b.PaperDocument:
    name = f"{paper.patient.name.upper()} · {paper.patient.code}"
    return b.PaperDocument(
        title=f"Tờ điều trị - {name}",
        author=paper.person,
        created_at=paper.at,
        blocks=_blocks(paper),
        foot=b.Foot(
            owner=paper.facility.name,
            person=paper.person,
            at=paper.at,
            code=paper.code,
            verify_url=paper.verify_url,
        ),
        running=f"Tờ điều trị · {name}",
        stamp=paper.stamp,
        attachments=_carried(paper.entries),
    )


def _blocks(paper: Assembly) -> tuple[b.Block, ...]:
    columns = (
        b.Column(title="Ngày, giờ", share=0.9),
        b.Column(title="Diễn biến (S - O - A - P)", share=2.6),
        b.Column(title="Chỉ định", share=1.8),
        b.Column(title="Bác sĩ ký", share=1.5),
    )
    marks = ("MS: 36/BV2", f"Số vào viện: {paper.stay_number}", f"Mã người bệnh: {paper.patient.code}")
    return (
        b.Letterhead(
            authority=paper.facility.governing_body,
            facility=paper.facility.name,
            unit=paper.department,
            marks=marks,
        ),
        b.Title(text="PHIẾU THEO DÕI ĐIỀU TRỊ", below=f"(Tờ điều trị, {len(paper.entries)} lần ghi)"),
        b.Fields(rows=_person(paper)),
        b.Table(columns=columns, rows=tuple(_row(entry) for entry in paper.entries), size=8.5),
        b.Paragraph(
            text="Mỗi lần ghi là một văn bản do bác sĩ ký số riêng, đính kèm nguyên vẹn trong tệp này; mã và dấu băm ở cột "
            "cuối chỉ đúng văn bản đó.",
            size=8,
            slanted=True,
        ),
        PLACE,
    )


def _carried(entries: tuple[AssembledEntry, ...]) -> tuple[b.Attachment, ...]:
    """Every entry as it was signed, and a list of them."""
    files, index = [], []
    for number, entry in enumerate(entries, start=1):
        name, words = _name(number, entry), f"Diễn biến {number}, mã {entry.code}"
        files.append(b.Attachment(name, entry.pdf, words, media_type="application/pdf"))
        index.append({"file": name, "code": entry.code, "sha256": entry.sha256, "at": entry.at})
    listed = msgspec.json.encode(
        {"schema": "lanh.treatment-sheet/1", "entries": index}, order="deterministic"
    )
    return (*files, b.Attachment("36-BV2.json", listed, "Danh sách lần ghi"))


def _name(number: int, entry: AssembledEntry) -> str:
    return f"dien-bien-{number:03d}-{entry.code}.pdf"


def _person(paper: Assembly) -> tuple[tuple[b.Value, ...], ...]:
    patient = paper.patient
    born = birth_text(patient.birth_date, patient.birth_precision)
    diagnosis = next((e.values["chan_doan"] for e in reversed(paper.entries) if e.values["chan_doan"]), "")
    return (
        (
            b.Value(label="Họ tên người bệnh:", text=patient.name.upper(), share=2),
            b.Value(
                label="Sinh:", text=f"{born} ({age_text(patient.birth_date, local_day(paper.at))})", share=1.4
            ),
            b.Value(label="Giới:", text=SEX_WORDS[patient.sex], share=0.7),
        ),
        (
            b.Value(label="Khoa:", text=paper.department, share=1.6),
            b.Value(label="Phòng, giường:", text=paper.bed),
        ),
        (b.Value(label="Chẩn đoán:", text=diagnosis),),
    )


def _row(entry: AssembledEntry) -> b.Row:
    course = "\n".join(f"{letter}: {entry.values[key]}" for letter, key in _SOAP if entry.values[key])
    when = format_instant(datetime.fromisoformat(entry.at)) if entry.at else ""
    signed = format_instant(entry.signed_at) if entry.signed_at else ""
    reference = f"{entry.signer}\nKý số {signed}\nMã {entry.code}\n{entry.sha256[:16]}"
    return b.Row(cells=(when, course, entry.values["chi_dinh"], reference))
