"""Lift a finished file: append the DSS and a document timestamp. Earlier bytes and /Contents are never edited.

What pyHanko does here keeps a processor busy for 20 ms and more: the application runs it in its worker processes.
"""

import io
from collections.abc import Coroutine, Sequence
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

from kernel.cpu import CpuPool
from kernel.problems import Conflict
from signing.timestamps import TimestampClient
from signing.verification.pdf import BYTE_RANGE, verify_pdf_job
from signing.verification.report import Report

TOKEN_ROOM = 8_000  # Bytes kept for the archive timestamp's token.


class CannotLift(Conflict):
    """No timestamp authority answered, or the file can't be written to."""

    slug = "cannot-lift"


class _Later(TimeStamper):
    """Notes what is to be stamped; the token is put into its place when the authority has answered."""

    digest = b""

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> Any:
        assert md_algorithm == "sha256"
        self.digest = message_digest
        return asn1_cms.ContentInfo({"content_type": "data", "content": b""})


class Material(Struct, frozen=True):
    """What a verifier needs when nobody answers any more (DER): certificates and their revocation answers."""

    certificates: Sequence[bytes] = ()
    ocsps: Sequence[bytes] = ()
    crls: Sequence[bytes] = ()


class Opened(Struct, frozen=True):
    """A file that waits for the token over `digest`, to be written from `hole` on."""

    pdf: bytes
    digest: bytes
    hole: int


async def lift_file(
    pdf: bytes, material: Material, *, stamps: TimestampClient, now: datetime, cpu: CpuPool | None = None
) -> bytes:
    """Return the file with validation material and one more document timestamp. Raises CannotLift."""
    opened = await (cpu or CpuPool(0)).run_behind(open_lift, pdf, material)
    stamp = await stamps.stamp_digest(opened.digest, now=now)
    if stamp is None or len(stamp.token) > TOKEN_ROOM:
        raise CannotLift("Không TSA nào trả lời; sẽ thử lại.")
    text = stamp.token.hex().encode().ljust(2 * TOKEN_ROOM, b"0")
    return opened.pdf[: opened.hole] + text + opened.pdf[opened.hole + len(text) :]


def open_lift(pdf: bytes, material: Material) -> Opened:
    """Append the material and an empty document timestamp. Raises CannotLift."""
    try:
        later = _Later()  # type: ignore[no-untyped-call]  # pyHanko is untyped here
        writing = PdfTimeStamper(later).async_timestamp_pdf(
            _with_material(pdf, material), "sha256", bytes_reserved=2 * TOKEN_ROOM
        )
        made = _appended(pdf, _result(writing))
    except (PdfError, SigningError, ValueError) as error:
        raise CannotLift("Không thêm được dữ liệu lưu trữ dài hạn vào tệp.") from error
    *_, last = BYTE_RANGE.finditer(made, len(pdf))
    return Opened(made, later.digest, int(last[2]) + 1)


def _result(work: Coroutine[Any, Any, Any]) -> Any:
    """Run what is written as a coroutine and waits for nothing."""
    try:
        work.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("it waits")


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


def end_lift(
    made: bytes, material: Material, trust_pem: bytes, demo: bool, now: datetime
) -> tuple[bytes, Report]:
    """Add what is known of the last timestamp, and judge the whole; one trip to a worker process. Raises CannotLift."""
    made = add_material(made, material)
    return made, verify_pdf_job(made, trust_pem, demo, now, (), ())


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
