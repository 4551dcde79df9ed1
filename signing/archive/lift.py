"""Lift a finished file: append the DSS and a document timestamp. Earlier bytes and /Contents are never edited."""

import io
from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any

from asn1crypto import cms as asn1_cms
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from msgspec import Struct
from pyhanko.pdf_utils.generic import NameObject, StreamObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation import DocumentSecurityStore

from kernel.problems import Conflict
from signing.timestamps import TimestampClient

TOKEN_ROOM = 8_000  # Bytes kept for the archive timestamp's token.


class CannotLift(Conflict):
    """No timestamp authority answered, or the file can't be written to."""

    slug = "cannot-lift"


class _Stamper(TimeStamper):
    """pyHanko's face of our timestamp client."""

    def __init__(self, stamps: TimestampClient, now: datetime) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # pyHanko is untyped here
        self._stamps, self._now = stamps, now

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> Any:
        assert md_algorithm == "sha256"
        stamp = await self._stamps.stamp_digest(message_digest, now=self._now)
        if stamp is None or len(stamp.token) > TOKEN_ROOM:
            raise CannotLift("Không TSA nào trả lời; sẽ thử lại.")
        return asn1_cms.ContentInfo.load(stamp.token)


class Material(Struct, frozen=True):
    """What a verifier needs when nobody answers any more (DER): certificates and their revocation answers."""

    certificates: Sequence[bytes] = ()
    ocsps: Sequence[bytes] = ()
    crls: Sequence[bytes] = ()


async def lift_file(pdf: bytes, material: Material, *, stamps: TimestampClient, now: datetime) -> bytes:
    """Return the file with validation material and one more document timestamp. Raises CannotLift."""
    try:
        writer = _with_material(pdf, material)
        stamper = PdfTimeStamper(_Stamper(stamps, now))
        out = await stamper.async_timestamp_pdf(writer, "sha256", bytes_reserved=2 * TOKEN_ROOM)
    except (PdfError, SigningError, ValueError) as error:
        raise CannotLift("Không thêm được dữ liệu lưu trữ dài hạn vào tệp.") from error
    return _appended(pdf, out)


def add_material(pdf: bytes, material: Material) -> bytes:
    """Return the file with more validation material, such as the standing of its last timestamp's authority.

    Raises CannotLift.
    """
    try:
        writer, out = _with_material(pdf, material), io.BytesIO()
        writer.write(out)  # type: ignore[no-untyped-call]  # pyHanko is untyped here
    except (PdfError, ValueError) as error:
        raise CannotLift("Không thêm được dữ liệu lưu trữ dài hạn vào tệp.") from error
    return _appended(pdf, out)


def _with_material(pdf: bytes, material: Material) -> IncrementalPdfFileWriter:
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    DocumentSecurityStore.supply_dss_in_writer(
        writer,
        None,
        certs=[asn1_x509.Certificate.load(der) for der in material.certificates],
        ocsps=[asn1_ocsp.OCSPResponse.load(der) for der in material.ocsps],
        crls=[asn1_crl.CertificateList.load(der) for der in material.crls],
    )
    _end_no_stream_like_a_line(writer)
    return writer


def _appended(pdf: bytes, out: IO[bytes]) -> bytes:
    out.seek(0)
    lifted = out.read()
    if not lifted.startswith(pdf):
        raise CannotLift("Bộ ghi đã đổi phần đã ký; bỏ kết quả.")
    return lifted


def _end_no_stream_like_a_line(writer: IncrementalPdfFileWriter) -> None:
    """Write streams that end with CR or LF in hexadecimal: PDF/A-3 readers can't tell that byte from the line's end."""
    for added in writer.objects.values():
        if isinstance(added, StreamObject) and added.encoded_data.endswith((b"\r", b"\n")):
            added.apply_filter(NameObject("/ASCIIHexDecode"))
