"""The judge of PDF signatures: pyHanko's full verdict, told in Vietnamese. Only `bottom_line` decides, never `intact`."""

import asyncio
import hashlib
import io
import re
import zlib
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any

from pyhanko.pdf_utils.misc import PdfDecodeLimitError, PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.errors import SignatureValidationError

from kernel.problems import Refused
from signing.trust import TrustList
from signing.verification.bounds import TOO_HEAVY, FileTooHeavy, bounded
from signing.verification.hybrid import TWO_FACES, is_hybrid, let_judge
from signing.verification.judging import Judge
from signing.verification.report import Report, SignatureReport, summarise
from signing.verification.wording import unreadable

BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


SIZE_MAXIMUM = 50_000_000  # Bytes.


SIGNATURES_MAXIMUM = 100


_BROKEN = (PdfError, ValueError, LookupError, TypeError, AttributeError, RecursionError, zlib.error)


class NotPdf(Refused):
    slug = "not-a-pdf"


class BrokenPdf(Refused):
    slug = "broken-pdf"


class EncryptedPdf(Refused):
    slug = "encrypted-pdf"


class FileTooLarge(Refused):
    status, slug = 413, "file-too-large"


class TooManySignatures(Refused):
    slug = "too-many-signatures"


def verify_pdf(
    data: bytes,
    trust: TrustList,
    now: datetime,
    *,
    ocsps: Sequence[bytes] = (),
    crls: Sequence[bytes] = (),
    size_maximum: int = SIZE_MAXIMUM,
) -> Report:
    """Judge every signature of a PDF, without asking the network: status comes from the answers handed in.

    Raises NotPdf, BrokenPdf, EncryptedPdf, FileTooLarge, FileTooHeavy, TooManySignatures.
    """
    reader, found, stamps = _open(data, size_maximum)
    judge = Judge(reader, trust, now, ocsps, crls, data=data)
    try:
        signatures = _run(judge.all(found, stamps)) if found else ()
    except PdfDecodeLimitError as error:
        raise FileTooHeavy(TOO_HEAVY) from error
    except _BROKEN as error:
        raise BrokenPdf("Tệp PDF hỏng hoặc sai cấu trúc, không kiểm được chữ ký.") from error
    signatures += _unknown(reader, {s.field for s in signatures} | {str(s.field_name) for s in stamps})
    warnings = ["Chữ ký thuộc hệ thống CHẠY THỬ, không có giá trị pháp lý."] if trust.demo and found else []
    warnings += [TWO_FACES] if found and is_hybrid(reader) else []
    return Report(
        kind="pdf",
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        valid=bool(signatures) and all(s.valid for s in signatures),
        summary=summarise(signatures),
        signatures=signatures,
        warnings=tuple(warnings),
        demo=trust.demo,
        checked_at=now,
    )


@lru_cache(maxsize=8)
def _trust(pem: bytes, demo: bool) -> TrustList:
    return TrustList.from_pem(pem, demo=demo)


def verify_pdf_job(
    data: bytes, pem: bytes, demo: bool, now: datetime, ocsps: tuple[bytes, ...], crls: tuple[bytes, ...]
) -> Report:
    """The same for a worker process, which gets its trust list as bytes, within bounds of time and memory.

    Raises FileTooHeavy besides.
    """
    with bounded():
        return verify_pdf(data, _trust(pem, demo), now, ocsps=ocsps, crls=crls)


def _open(
    data: bytes, size_maximum: int
) -> tuple[PdfFileReader, list[EmbeddedPdfSignature], list[EmbeddedPdfSignature]]:
    if len(data) > size_maximum:
        raise FileTooLarge(f"Tệp lớn hơn {size_maximum // 1_000_000} MB, không kiểm tra ở đây.")
    if not data.startswith(b"%PDF-"):
        raise NotPdf("Tệp không phải PDF.")
    try:
        reader = PdfFileReader(io.BytesIO(data))
        if reader.encrypted:
            raise EncryptedPdf("Tệp PDF được bảo vệ bằng mật khẩu. Hãy gỡ mật khẩu ở bản gốc rồi ký lại.")
        let_judge(reader)
        fields = list(islice(enumerate_sig_fields(reader, filled_status=True), SIGNATURES_MAXIMUM + 1))
        if len(fields) > SIGNATURES_MAXIMUM:
            raise TooManySignatures(f"Tệp có hơn {SIGNATURES_MAXIMUM} chữ ký.")
        embedded = [made for name, value, field in fields if (made := _embedded(reader, name, value, field))]
        embedded.sort(key=lambda signature: int(signature.signed_revision))
    except PdfDecodeLimitError as error:
        raise FileTooHeavy(TOO_HEAVY) from error
    except _BROKEN as error:
        raise BrokenPdf("Tệp PDF hỏng hoặc sai cấu trúc, không đọc được chữ ký.") from error
    found = [signature for signature in embedded if signature.sig_object_type == "/Sig"]
    return reader, found, [s for s in embedded if s.sig_object_type == "/DocTimeStamp"]


def _embedded(reader: PdfFileReader, name: str, value: Any, field: Any) -> EmbeddedPdfSignature | None:
    """Read one signature; None for one that can't be read, which `_unknown` then tells, instead of giving up on the file."""
    try:
        SigSeedSubFilter(str(value.get_object().get("/SubFilter")))
        return EmbeddedPdfSignature(reader, field, name)
    except PdfDecodeLimitError:
        raise
    except (*_BROKEN, SignatureValidationError, AssertionError):
        return None


def _run(judging: Coroutine[Any, Any, tuple[SignatureReport, ...]]) -> tuple[SignatureReport, ...]:
    """Run pyHanko's coroutines, which wait for nothing here, with or without a loop around us."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(judging)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, judging).result()


def _unknown(reader: PdfFileReader, judged: set[str]) -> tuple[SignatureReport, ...]:
    """Report signed fields of a kind that pyHanko passes over: a signature must not vanish by spoiling its label."""
    fields = enumerate_sig_fields(reader, filled_status=True)
    return tuple(unreadable(str(name)) for name, _, _ in fields if str(name) not in judged)
