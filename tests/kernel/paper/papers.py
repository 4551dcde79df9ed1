"""Papers the tests render, and eyes that read them back."""

import io
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory

import page
import pikepdf.pdfa

from kernel.paper import blocks as b
from kernel.paper.fonts import bold

NOW = datetime(2026, 11, 21, 7, 5, tzinfo=UTC)
STORY = (
    "Người bệnh vào viện trong tình trạng tỉnh, tiếp xúc tốt, da niêm mạc hồng, không phù, không xuất huyết. "
    "Sốt 38,5 độ, ho khan nhiều về đêm, đau ngực phải khi hít sâu, khó thở nhẹ khi gắng sức. "
)
FOOT = b.Foot(
    owner="Bệnh viện Đa khoa Ví Dụ",
    person="BS. Trần Thị Ánh Nguyệt",
    at=NOW,
    code="K7QM-42XR-9T",
    verify_url="https://benhvien.example.vn/v/K7QM42XR9T",
)


def a_paper(
    *content: b.Block, size: b.PageSize = b.A4, running: str = "", stamp: str = ""
) -> b.PaperDocument:
    return b.PaperDocument(
        title="Phiếu khám bệnh",
        author="BS. Trần Thị Ánh Nguyệt",
        created_at=NOW,
        blocks=content,
        size=size,
        foot=FOOT,
        running=running,
        stamp=stamp,
        attachments=(b.Attachment("phieu.json", b'{"ma":"PKB"}', "Dữ liệu của phiếu"),),
    )


def text_of(pdf: bytes) -> str:
    """Return what poppler reads, one line per printed line."""
    run = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    return run.stdout.decode()


def stamped(pdf: bytes, stamp: str) -> bool:
    """Tell whether the first page carries the stamp; readers scatter slanted letters, so its operators are read."""
    with pikepdf.open(io.BytesIO(pdf)) as file:
        return f"<{bold().glyphs(stamp)}> Tj".encode() in file.pages[0].Contents.read_bytes()


def pages_of(pdf: bytes) -> int:
    with pikepdf.open(io.BytesIO(pdf)) as file:
        return len(file.pages)


def picture_of(pdf: bytes, number: int = 1, *, dpi: int = 150) -> bytes:
    """Return one page as PNG, drawn by poppler."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "page")
        arguments = [
            "-r",
            str(dpi),
            "-f",
            str(number),
            "-l",
            str(number),
            "-png",
            "-singlefile",
            "-",
            str(path),
        ]
        subprocess.run(["pdftoppm", *arguments], input=pdf, capture_output=True, check=True)
        return path.with_suffix(".png").read_bytes()


def assert_archivable(pdf: bytes) -> None:
    """Two validators find nothing against PDF/A-3b; one says it cannot judge forms and attachments."""
    report = page.validate_pdf_bytes(pdf, profile=page.ValidationProfile.PDF_A_3B)
    assert not list(report.failures), report
    second = pikepdf.pdfa.validate_written(io.BytesIO(pdf), "3b")
    assert [str(f) for f in second.findings if not str(f).startswith("[unsupported]")] == []
    with NamedTemporaryFile(suffix=".pdf") as file:
        file.write(pdf)
        file.flush()
        checked = subprocess.run(["qpdf", "--check", file.name], capture_output=True)
    assert checked.returncode == 0, checked.stdout
