"""Sign a PDF that we did not render: pyHanko judges it first; revision and CMS are ours.

Files that our own reviser does not understand are written by pyHanko, four times slower, and are just as right.
"""

import io
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography import x509
from msgspec import Struct
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign import fields, signers
from pyhanko.sign.general import SigningError

from kernel.problems import Conflict, Refused
from signing.append import FieldTaken
from signing.cms import TOKEN_OVERHEAD
from signing.keys import Signer
from signing.pdf_syntax import HybridPdf, OddPdf
from signing.revise import open_revision
from signing.timestamps import TimestampClient
from signing.trust import TrustList
from signing.verification.judging import as_asn1
from signing.verification.pdf import verify_pdf

TWO_FACED = (
    "Tệp PDF này có hai bảng tham chiếu: chương trình đọc cũ và mới có thể hiển thị khác nhau, nên không ký thêm. "
    "Hãy in tệp ra PDF mới (Print to PDF) rồi ký tệp đó."
)
TOKEN_ROOM = 6_000  # Bytes kept for a timestamp token.


class EarlierSignatureBroken(Conflict):
    """A file with a signature that does not hold collects no further one."""

    slug = "earlier-signature-broken"


class CannotSign(Refused):
    """The file's structure or its form forbids another signature."""

    slug = "cannot-sign"


class _Silent(signers.ExternalSigner):
    """pyHanko wants a signer to plan the file; the signature itself is ours."""


class ForeignPending(Struct):
    """A planned revision with an empty hole, and the digest that its CMS has to sign."""

    revision: bytearray
    digest: bytes
    hole_start: int  # Offsets in this revision, of the brackets around the hole.
    hole_end: int

    def fill(self, cms: bytes) -> bytes:
        """Put the CMS into the hole and return the bytes to append. Raises ValueError if it does not fit."""
        text = cms.hex().encode()
        if len(text) > self.hole_end - self.hole_start - 2:
            raise ValueError(f"CMS {len(text)} > {self.hole_end - self.hole_start - 2}")
        self.revision[self.hole_start + 1 : self.hole_start + 1 + len(text)] = text
        return bytes(self.revision)


async def open_foreign(
    pdf: bytes,
    field: str,
    certificate: x509.Certificate,
    *,
    room: int,
    trust: TrustList | None,
    now: datetime,
) -> ForeignPending:
    """Plan one more signature, in a new or an empty field, with a hole for `room` bytes of CMS.

    With `trust` every earlier signature is judged first. Raises EarlierSignatureBroken, CannotSign and what
    `verify_pdf` raises.
    """
    if trust is not None:
        report = verify_pdf(pdf, trust, now)
        if report.signatures and not report.valid:
            raise EarlierSignatureBroken(
                "Tài liệu có chữ ký trước không hợp lệ hoặc đã bị sửa sau khi ký, nên không thể ký tiếp."
            )
    try:
        own = open_revision(pdf, field, room=room, at=now)
    except FieldTaken as error:
        raise CannotSign("Ô ký này không phải ô ký số còn trống.") from error
    except HybridPdf as error:
        raise CannotSign(TWO_FACED) from error
    except OddPdf:
        return await _plan_with_pyhanko(pdf, field, certificate, room=room)
    return ForeignPending(own.data, own.digest, own.hole, own.hole + 2 * room + 2)


async def _plan_with_pyhanko(
    pdf: bytes, field: str, certificate: x509.Certificate, *, room: int
) -> ForeignPending:
    """Let pyHanko write the revision. Raises CannotSign."""
    meta = signers.PdfSignatureMetadata(
        field_name=field, md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
    )
    try:
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
        planner = signers.PdfSigner(meta, _planner(certificate))
        planned, _, out = await planner.async_digest_doc_for_signing(writer, bytes_reserved=2 * room)
    except (PdfError, SigningError, ValueError) as error:
        raise CannotSign(
            "Không thêm được chữ ký vào tệp PDF này (cấu trúc hoặc biểu mẫu không cho phép)."
        ) from error
    out.seek(0)
    whole, base = out.read(), len(pdf)
    assert whole[:base] == pdf, "a signature only appends"
    start, end = planned.reserved_region_start - base, planned.reserved_region_end - base
    return ForeignPending(bytearray(whole[base:]), planned.document_digest, start, end)


async def sign_foreign(
    pdf: bytes,
    field: str,
    signer: Signer,
    *,
    now: datetime,
    stamps: TimestampClient | None = None,
    trust: TrustList | None = None,
) -> bytes:
    """Return the file with one more signature. Raises what `open_foreign` raises."""
    room = signer.template.size + (TOKEN_ROOM + TOKEN_OVERHEAD if stamps else 0)
    pending = await open_foreign(pdf, field, signer.certificate, room=room, trust=trust, now=now)
    attributes = signer.template.attributes(pending.digest)
    signature = await signer.sign(attributes)
    stamp = await stamps.stamp(signature, now=now) if stamps else None
    token = stamp.token if stamp and len(stamp.token) <= TOKEN_ROOM else None
    return pdf + pending.fill(signer.template.assemble(attributes, signature, token))


@lru_cache(maxsize=64)
def _planner(certificate: x509.Certificate) -> Any:
    """Keep what pyHanko needs to know of a signer; parsing the certificate each time would cost a third."""
    return _Silent(
        signing_cert=as_asn1(certificate), cert_registry=None, signature_value=256, prefer_pss=True
    )
