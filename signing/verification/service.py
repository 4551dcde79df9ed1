"""Verify a file as the pages and the command line do: ask its certificates' standing, let the judge decide, remember."""

import hashlib
from datetime import datetime
from itertools import chain as chained

import httpx
from cryptography import x509
from msgspec import Struct

from kernel.problems import Refused
from kernel.services import Services
from signing.cms import read_signed_data
from signing.context import Context, context_of
from signing.der import BadDer, strip
from signing.status import Answer, Standing, StatusClient
from signing.trust import TrustList
from signing.verification.bounds import bounded
from signing.verification.pdf import BYTE_RANGE, FileTooLarge, verify_pdf, verify_pdf_job
from signing.verification.report import Report
from signing.verification.xml import verify_xml

_SIGNERS_ASKED = 20


class UnknownFormat(Refused):
    """Neither a PDF nor an XML document."""

    slug = "unknown-format"


class Kept(Struct, frozen=True):
    """Revocation answers that were stored with the signatures when they were made."""

    ocsps: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()


async def verify_file(
    services: Services, data: bytes, *, now: datetime, kept: Kept = Kept(), behind: bool = False
) -> Report:
    """Judge a PDF or XML file; `behind`: nobody waits for it.

    Raises UnknownFormat and what `verify_pdf` and `verify_xml` raise.
    """
    context = context_of(services)
    if len(data) > context.settings.verify_bytes_maximum:
        raise FileTooLarge(f"Tệp lớn hơn {context.settings.verify_bytes_maximum // 1_000_000} MB.")
    known = context.verdicts.get(data, context.trust.fingerprint, now=now)
    if known is not None:
        return known
    report = await _judge(services, context, data, kept, now, behind=behind)
    context.verdicts.put(data, context.trust.fingerprint, report)
    return report


async def _judge(
    services: Services, context: Context, data: bytes, kept: Kept, now: datetime, *, behind: bool
) -> Report:
    if is_pdf(data):
        run = services.cpu.run_behind if behind else services.cpu.run
        answers = await ask_signers(context.status(services.http), data, context.trust, now=now)
        return await run(
            verify_pdf_job,
            data,
            context.trust_pem,
            context.trust.demo,
            now,
            (*kept.ocsps, *(answer.ocsp for answer in answers if answer.ocsp)),
            (*kept.crls, *(answer.crl for answer in answers if answer.crl)),
        )
    return verify_xml(_xml(data), context.trust, now)


async def verify_offline(
    data: bytes, trust: TrustList, *, now: datetime, http: httpx.AsyncClient | None = None
) -> Report:
    """Judge a file outside the application; revocation is asked for only through `http`.

    Raises UnknownFormat and what `verify_pdf` and `verify_xml` raise.
    """
    if not is_pdf(data):
        return verify_xml(_xml(data), trust, now)
    answers = await ask_signers(StatusClient(http), data, trust, now=now) if http else []
    ocsps, crls = [a.ocsp for a in answers if a.ocsp], [a.crl for a in answers if a.crl]
    with bounded():
        return verify_pdf(data, trust, now, ocsps=ocsps, crls=crls)


def is_pdf(data: bytes) -> bool:
    return data.startswith(b"%PDF-")


def _xml(data: bytes) -> bytes:
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise UnknownFormat("Chỉ kiểm tra được tệp PDF hoặc XML đã ký số.")
    return data


async def ask_signers(client: StatusClient, data: bytes, trust: TrustList, *, now: datetime) -> list[Answer]:
    """Ask the standing of the signers we trust; addresses in certificates of strangers are never called."""
    paths: dict[bytes, tuple[x509.Certificate, ...]] = {}
    for match in list(BYTE_RANGE.finditer(data))[:_SIGNERS_ASKED]:
        _, size, second, _ = (int(number) for number in match.groups())
        try:
            signed = read_signed_data(strip(bytes.fromhex(data[size + 1 : second - 1].decode("ascii"))))
            certificate = signed.certificate()
        except (BadDer, ValueError):
            continue
        path = certificate and trust.path(certificate, at=now)
        if certificate and path:
            paths[hashlib.sha256(signed.certificate_hash).digest()] = path
    answers = [await client.ask_path(path, now=now) for path in paths.values()]
    return [
        answer for answer in chained.from_iterable(answers) if answer.standing is not Standing.UNREACHABLE
    ]
