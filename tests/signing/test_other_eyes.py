"""Twenty signatures on one of our papers, and what other people's programs say of the file at every revision."""

import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

import page
import pikepdf.pdfa
import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from hospital.demo.outside.pki import TimestampAuthority
from hospital.demo.pki import DemoPki
from kernel.clock import utc_now
from kernel.paper.blocks import PaperDocument, Paragraph, Signatures, Slot, Title
from kernel.paper.fonts import regular
from kernel.paper.pdf import Attachment
from kernel.paper.render import render
from signing.cms import read_signed_data
from signing.keys import SoftwareSigner
from signing.tasks.engine import Look, Signed, sign_file
from signing.trust import TrustList
from signing.verification.judging import as_asn1
from signing.verification.pdf import verify_pdf
from signing.verification.report import Level
from tests.signing.acts import NOW, cut, nss_database, openssl_says, run, write_roots
from tests.signing.test_archive import Now
from tests.signing.test_own_paper import ALLOWED_AFTER_SIGNING, findings

pytestmark = pytest.mark.anyio

SLOTS = [f"o{number}" for number in range(20)]


@pytest.fixture(scope="module")
def paper() -> bytes:
    slots = tuple(Slot(field=name, role=f"Người ký {name}") for name in SLOTS)
    return render(
        PaperDocument(
            title="Biên bản hội chẩn",
            author="BS Nguyễn Thị Hương",
            created_at=utc_now(),
            blocks=(
                Title(text="BIÊN BẢN HỘI CHẨN"),
                Paragraph(text="Ý kiến. " * 60),
                Signatures(slots=slots),
            ),
            attachments=(Attachment("benh-an.json", b'{"benh":"viem phoi"}'),),
        )
    )


@pytest.fixture(scope="module")
async def revisions(
    paper: bytes,
    doctor: SoftwareSigner,
    authority: TimestampAuthority,
    trust: TrustList,
    anyio_backend: str,
) -> list[Signed]:
    """The file after each of twenty signatures with timestamps."""
    made: list[Signed] = []
    pdf, layout = paper, None
    for field in SLOTS:
        made.append(
            await sign_file(
                pdf,
                hashlib.sha256(pdf).hexdigest(),
                layout,
                field,
                doctor,
                trust=trust,
                stamps=Now(authority, trust),
                token_room=5_000,
                look=Look(regular(), "BS"),
                now=NOW,
            )
        )
        pdf, layout = made[-1].pdf, made[-1].layout
    return made


def numbered(revisions: list[Signed]) -> Iterator[tuple[int, bytes]]:
    for count, signed in enumerate(revisions, 1):
        yield count, signed.pdf


async def test_both_validators_pass_the_paper_before_it_is_signed(paper: bytes) -> None:
    assert findings(paper) == set()
    bare = render(
        PaperDocument(
            title="Phiếu",
            author="BS",
            created_at=utc_now(),
            blocks=(Title(text="PHIẾU"), Paragraph(text="Nội dung.")),
            attachments=(Attachment("benh-an.json", b"{}"),),
        )
    )
    assert findings(bare) == set()
    pikepdf.pdfa.validate_written(io.BytesIO(bare), "3b")


async def test_every_revision_stays_pdf_a_but_for_the_range_of_earlier_signers(
    revisions: list[Signed],
) -> None:
    for _, pdf in numbered(revisions):
        assert findings(pdf) <= ALLOWED_AFTER_SIGNING


async def test_each_byte_range_covers_its_whole_revision_but_the_signature(
    paper: bytes, revisions: list[Signed]
) -> None:
    """That is what the one finding that validators may report is about."""
    last = revisions[-1].pdf
    ends = [len(signed.pdf) for signed in revisions]
    found = re.findall(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\s*\]", last)
    assert len(found) == 20
    for end, numbers, before in zip(ends, found, [len(paper), *ends], strict=False):
        start, size, second, rest = (int(number) for number in numbers)
        assert (start, second + rest) == (0, end)
        assert before < size < second
        hole = last[size:second]
        assert re.fullmatch(rb"<[0-9a-f]+>", hole)
        assert last[size - 9 : size] == b"/Contents"


async def test_pyhanko_says_valid_at_every_revision(revisions: list[Signed], pki: DemoPki) -> None:
    """The newest signature of each; what the later ones did to it is judged below, over the whole file."""
    context = ValidationContext(trust_roots=[as_asn1(pki.root)], other_certs=[as_asn1(pki.issuing)])
    for count, pdf in numbered(revisions):
        signatures = PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures
        assert len(signatures) == count
        status = await async_validate_pdf_signature(signatures[-1], context)
        assert status.bottom_line
        assert status.timestamp_validity is not None
        assert status.timestamp_validity.trusted


async def test_the_whole_verdict_finds_only_later_signatures(
    revisions: list[Signed], trust: TrustList
) -> None:
    for count in (2, 20):
        report = verify_pdf(revisions[count - 1].pdf, trust, NOW)
        assert report.valid
        assert [s.level for s in report.signatures] == [Level.B_T] * count
        changes = [s.changes for s in report.signatures]
        assert changes == ["Chỉ thêm chữ ký của người ký sau"] * (count - 1) + ["Không thay đổi"]


async def test_pdfsig_says_valid_at_every_revision(
    revisions: list[Signed], pki: DemoPki, tmp_path: Path
) -> None:
    root, issuing = write_roots(pki, tmp_path)
    database, file = nss_database(tmp_path, root, issuing), tmp_path / "a.pdf"
    for count, pdf in numbered(revisions):
        file.write_bytes(pdf)
        said = run("pdfsig", "-nssdir", database, "-nocert", file)
        assert said.count("Signature is Valid.") == count
        assert said.count("Signature Type: ETSI.CAdES.detached") == count


async def test_qpdf_finds_no_fault_at_any_revision(revisions: list[Signed], tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    for _, pdf in numbered(revisions):
        file.write_bytes(pdf)
        assert "No syntax or stream encoding errors" in run("qpdf", "--check", file)


async def test_openssl_accepts_each_signature_and_each_timestamp(
    revisions: list[Signed], pki: DemoPki, tmp_path: Path
) -> None:
    root, issuing = write_roots(pki, tmp_path)
    token, value = tmp_path / "t.tst", tmp_path / "t.bin"
    for _, pdf in numbered(revisions):
        cms, covered = cut(pdf)[-1]
        said = openssl_says(cms, covered, tmp_path, root=root, issuing=issuing)
        assert "CAdES Verification successful" in said, said
        parsed = read_signed_data(cms)
        assert parsed.token
        token.write_bytes(parsed.token)
        value.write_bytes(parsed.signature)
        said = run(
            *("openssl", "ts", "-verify", "-token_in", "-in", token, "-data", value),
            *("-CAfile", root, "-untrusted", issuing),
        )
        assert "Verification: OK" in said, said


async def test_the_eyes_are_open(revisions: list[Signed], tmp_path: Path, pki: DemoPki) -> None:
    """The same programs see one changed byte."""
    root, issuing = write_roots(pki, tmp_path)
    file = tmp_path / "a.pdf"
    pdf = revisions[0].pdf
    file.write_bytes(pdf.replace(b"/Type/Catalog", b"/Type/CatalOg", 1)[:-1] + b"\n")
    assert "Signature is Valid." not in run("pdfsig", "-nocert", file)
    cms, covered = cut(pdf)[0]
    said = openssl_says(cms, covered[:-1] + b"X", tmp_path, root=root, issuing=issuing)
    assert "CAdES Verification successful" not in said
    assert page.validate_pdf_bytes(pdf, profile=page.ValidationProfile.PDF_A_3B)
