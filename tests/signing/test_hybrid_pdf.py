"""Files with two tables of objects: what another program signed is judged when it covers every byte, else in words."""

import io

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers

from hospital.demo.pki import DemoPki
from signing.foreign import CannotSign, sign_foreign
from signing.keys import SoftwareSigner
from signing.trust import TrustList
from signing.verification.hybrid import ADDED_TO, TWO_FACES
from signing.verification.pdf import verify_pdf
from tests.signing.acts import NOW
from tests.signing.files import a_file
from tests.signing.holders import PIN
from tests.signing.test_any_pdf import hybrid_file

pytestmark = pytest.mark.anyio


async def signed_elsewhere(pki: DemoPki, data: bytes, field: str = "Moi") -> bytes:
    """As a program signs that knows hybrids: pyHanko when it is told to take them."""
    own = signers.SimpleSigner.load_pkcs12(str(pki.key_file("bacsi")), passphrase=PIN.encode())  # type: ignore[no-untyped-call]  # untyped
    meta = signers.PdfSignatureMetadata(field_name=field, subfilter=fields.SigSeedSubFilter.PADES)
    writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
    return bytes((await signers.PdfSigner(meta, own).async_sign_pdf(writer)).getvalue())


@pytest.fixture
async def hybrid(pki: DemoPki) -> bytes:
    return await signed_elsewhere(pki, hybrid_file())


async def test_a_signature_over_every_byte_is_valid_and_the_two_faces_are_told(
    hybrid: bytes, trust: TrustList
) -> None:
    report = verify_pdf(hybrid, trust, NOW)
    [signature] = report.signatures
    assert (report.valid, signature.valid, signature.intact, signature.last) == (True, True, True, True)
    assert TWO_FACES in report.warnings


async def test_one_changed_byte_is_not_valid(hybrid: bytes, trust: TrustList) -> None:
    at = hybrid.index(b"/Type/Page/") + 6
    changed = hybrid[:at] + b"x" + hybrid[at + 1 :]
    report = verify_pdf(changed, trust, NOW)
    assert not report.valid


async def test_what_was_added_later_is_not_judged_and_says_so(hybrid: bytes, trust: TrustList) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(hybrid), strict=False)
    writer.root["/Lang"] = generic.pdf_string("vi")
    writer.update_root()  # type: ignore[no-untyped-call]  # pyHanko is untyped here
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]  # as above
    report = verify_pdf(out.getvalue(), trust, NOW)
    assert not report.valid
    assert report.signatures[0].reasons == (ADDED_TO,)


async def test_a_second_table_behind_a_signature_hides_nothing(pki: DemoPki, trust: TrustList) -> None:
    """Signed as a plain file; then a section for new readers is added that shows them another page."""
    plain = await signed_elsewhere(pki, a_file(("khac",)))
    assert verify_pdf(plain, trust, NOW).valid
    swapped = with_second_table(plain)
    report = verify_pdf(swapped, trust, NOW)
    assert not report.valid
    assert report.signatures[0].reasons == (ADDED_TO,)


def with_second_table(data: bytes) -> bytes:
    """Append a section whose hidden stream gives new readers another object 4."""
    start = int(data.rpartition(b"startxref")[2].split()[0])
    other = len(data)
    page = b"4 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>\nendobj\n"
    at = other + len(page)
    rows = b"\1" + other.to_bytes(6) + bytes(2)
    stream = b"99 0 obj\n<</Type/XRef/Size 100/W[1 6 2]/Index[4 1]/Root 1 0 R/Length %d>>\nstream\n" % len(
        rows
    )
    stream += rows + b"\nendstream\nendobj\n"
    table = b"xref\n0 0\ntrailer\n<</Size 100/Root 1 0 R/Prev %d/XRefStm %d>>\n" % (start, at)
    return data + page + stream + table + b"startxref\n%d\n%%%%EOF\n" % (at + len(stream))


async def test_an_unsigned_one_has_no_signature(trust: TrustList) -> None:
    report = verify_pdf(hybrid_file(), trust, NOW)
    assert (report.valid, report.signatures) == (False, ())


async def test_nothing_is_signed_on_top_and_the_way_out_is_told(
    hybrid: bytes, doctor: SoftwareSigner, trust: TrustList
) -> None:
    for data in (hybrid, hybrid_file()):
        with pytest.raises(CannotSign, match="in tệp ra PDF mới"):
            await sign_foreign(data, "Them", doctor, now=NOW, trust=trust)
