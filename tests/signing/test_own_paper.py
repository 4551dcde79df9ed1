"""Files of our own renderer, signed: they stay PDF/A-3b, keep their attachment, and show name and time."""

import hashlib
import re
from pathlib import Path

import page
import pytest

from kernel.clock import utc_now
from kernel.paper.blocks import PaperDocument, Paragraph, Signatures, Slot, Title
from kernel.paper.fonts import regular
from kernel.paper.pdf import Attachment
from kernel.paper.render import render
from signing.keys import SoftwareSigner
from signing.layout import read_layout
from signing.tasks.engine import Look, Signed, sign_file
from signing.trust import TrustList
from signing.verification.pdf import verify_pdf
from tests.signing.acts import NOW, overlay, run

pytestmark = pytest.mark.anyio

ALLOWED_AFTER_SIGNING = {"PDFA3B-SIGNATURE-BYTERANGE-001"}


@pytest.fixture(scope="module")
def paper() -> bytes:
    return render(
        PaperDocument(
            title="Phiếu khám bệnh",
            author="BS Nguyễn Thị Hương",
            created_at=utc_now(),
            blocks=(
                Title(text="PHIẾU KHÁM BỆNH"),
                Paragraph(label="Chẩn đoán", text="Viêm phổi thuỳ phải, điều trị nội khoa. " * 20),
                Signatures(
                    slots=(Slot(field="bac_si", role="Bác sĩ khám"), Slot(field="co_so", role="Cơ sở"))
                ),
            ),
            attachments=(Attachment("benh-an.json", b'{"benh":"viem phoi"}'),),
        )
    )


async def _sign(
    pdf: bytes, field: str, signer: SoftwareSigner, trust: TrustList, before: Signed | None
) -> Signed:
    return await sign_file(
        pdf,
        hashlib.sha256(pdf).hexdigest(),
        before.layout if before else None,
        field,
        signer,
        trust=trust,
        stamps=None,
        token_room=0,
        look=Look(regular(), "BS"),
        now=NOW,
    )


def findings(pdf: bytes) -> set[str]:
    """What the independent validator says against PDF/A-3b, by rule."""
    report = page.validate_pdf_bytes(pdf, profile=page.ValidationProfile.PDF_A_3B)
    return {str(rule) for rule in re.findall(r"PDFA3B-[A-Z0-9-]+", str(report))}


async def test_our_paper_is_appendable_and_stays_pdf_a(
    paper: bytes, doctor: SoftwareSigner, seal: SoftwareSigner, trust: TrustList
) -> None:
    assert set(read_layout(paper).fields) == {"bac_si", "co_so"}
    assert findings(paper) == set()
    once = await _sign(paper, "bac_si", doctor, trust, None)
    twice = await _sign(once.pdf, "co_so", seal, trust, once)
    assert twice.layout is not None
    assert findings(once.pdf) <= ALLOWED_AFTER_SIGNING
    assert findings(twice.pdf) <= ALLOWED_AFTER_SIGNING
    ends = [revision.end for revision in twice.layout.revisions]
    assert ends == [len(once.pdf), len(twice.pdf)]
    report = verify_pdf(twice.pdf, trust, NOW)
    assert report.valid
    assert len(report.signatures) == 2


async def test_name_and_time_can_be_read_on_the_page(
    paper: bytes, doctor: SoftwareSigner, trust: TrustList, tmp_path: Path
) -> None:
    once = await _sign(paper, "bac_si", doctor, trust, None)
    file = tmp_path / "a.pdf"
    file.write_bytes(once.pdf)
    said = run("pdftotext", "-layout", file, "-")
    assert "Ký số bởi: BS Nguyễn Thị Hương" in said
    assert "Lúc: " in said
    assert "No syntax or stream encoding errors" in run("qpdf", "--check", file)


async def test_a_swapped_attachment_is_not_valid(
    paper: bytes, doctor: SoftwareSigner, trust: TrustList
) -> None:
    once = await _sign(paper, "bac_si", doctor, trust, None)
    number = int(re.findall(rb"(\d+) 0 obj\s*<</Type/EmbeddedFile", once.pdf)[0])
    swapped = overlay(once.pdf, number=number, head=b"/Type/EmbeddedFile/Subtype/application#2Fjson")
    report = verify_pdf(swapped, trust, NOW)
    assert not report.valid
    assert report.signatures[0].reasons
