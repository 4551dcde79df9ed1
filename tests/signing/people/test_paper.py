"""A signature that carries drawn lines and files: earlier signatures stay valid, the file stays PDF/A-3b."""

import hashlib
import io
import re
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from kernel.clock import utc_now
from kernel.paper.blocks import PaperDocument, Paragraph, Signatures, Slot, Title
from kernel.paper.fonts import regular
from kernel.paper.render import render
from signing.appearance import Enclosed, Ink
from signing.keys import SoftwareSigner
from signing.people.pictures import picture_of_page
from signing.tasks.engine import Look, sign_file
from signing.trust import TrustList
from signing.verification.pdf import verify_pdf
from tests.signing.acts import NOW, overlay, run
from tests.signing.test_own_paper import ALLOWED_AFTER_SIGNING, findings

INK = Ink(600, 200, (((40, 60), (120, 140), (200, 50)), ((260, 90),)))
CARRIED = (
    Enclosed("bang-chung.json", "Gói bằng chứng ký", b'{"a":1}'),
    Enclosed("ban-quet.pdf", "Bản quét", b"%PDF-1.7 rest", "application/pdf"),
)


@pytest.fixture(scope="module")
def consent() -> bytes:
    return render(
        PaperDocument(
            title="Giấy cam kết",
            author="BS Nguyễn Thị Hương",
            created_at=utc_now(),
            blocks=(
                Title(text="GIẤY CAM KẾT"),
                Paragraph(text="Tôi đồng ý phẫu thuật. " * 20),
                Signatures(slots=(Slot(field="bac_si", role="Bác sĩ"), Slot(field="nguoi_benh", role="NB"))),
            ),
        )
    )


async def test_files_carried_by_a_later_signature_leave_the_earlier_one_valid(
    consent: bytes, doctor: SoftwareSigner, seal: SoftwareSigner, trust: TrustList, tmp_path: Path
) -> None:
    def look(carried: tuple[Enclosed, ...]) -> Look:
        return Look(regular(), lines=("Người bệnh: NGUYỄN VĂN AN",), ink=INK, enclosed=carried)

    pdf, layout = consent, None
    for field, signer, carried in (("bac_si", doctor, ()), ("nguoi_benh", seal, CARRIED)):
        signed = await sign_file(
            pdf,
            hashlib.sha256(pdf).hexdigest(),
            layout,
            field,
            signer,
            trust=trust,
            stamps=None,
            token_room=0,
            look=look(carried),
            now=NOW,
        )
        pdf, layout = signed.pdf, signed.layout
    assert picture_of_page(pdf, 1) != picture_of_page(consent, 1)  # What was signed is seen at the tablet.
    report = verify_pdf(pdf, trust, NOW)
    assert report.valid, [s.reasons for s in report.signatures]
    assert findings(pdf) <= ALLOWED_AFTER_SIGNING
    file = tmp_path / "a.pdf"
    file.write_bytes(pdf)
    assert "No syntax or stream encoding errors" in run("qpdf", "--check", file)
    assert "Người bệnh: NGUYỄN VĂN AN" in run("pdftotext", "-layout", file, "-")
    reader = PdfFileReader(io.BytesIO(pdf))
    field_of = next(f for f in reader.root["/AcroForm"]["/Fields"] if f.get_object()["/T"] == "nguoi_benh")
    carried_files = field_of.get_object()["/AP"]["/N"]["/AF"]
    assert [f.get_object()["/EF"]["/F"].data for f in carried_files] == [item.data for item in CARRIED]


async def test_a_carried_file_that_is_swapped_afterwards_is_not_valid(
    consent: bytes, seal: SoftwareSigner, trust: TrustList
) -> None:
    signed = await sign_file(
        consent,
        hashlib.sha256(consent).hexdigest(),
        None,
        "nguoi_benh",
        seal,
        trust=trust,
        stamps=None,
        token_room=0,
        look=Look(regular(), lines=("NB",), enclosed=CARRIED[:1]),
        now=NOW,
    )
    number = int(re.findall(rb"(\d+) 0 obj\s*<</Type/EmbeddedFile", signed.pdf)[-1])
    swapped = overlay(signed.pdf, number=number, head=b"/Type/EmbeddedFile/Subtype/application#2Fjson")
    assert not verify_pdf(swapped, trust, NOW).valid
