"""Is a certificate still good: OCSP (RFC 6960) first, the newest CRL (RFC 5280) when no responder answers.

TT 15/2025/TT-BKHCN annex II: both tiers are asked; when neither way can be reached the signer is warned and policy decides.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import httpx
import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from msgspec import Struct
from msgspec.structs import replace

log = structlog.get_logger(__name__)

SIZE_MAXIMUM = 8_000_000
CLOCK_SKEW = timedelta(minutes=5)
_ANSWERS_KEPT = 1024


class Standing(StrEnum):
    """What the authority says of a certificate."""

    GOOD = "GOOD"
    REVOKED = "REVOKED"
    UNKNOWN = "UNKNOWN"  # The responder does not know this certificate.
    UNREACHABLE = "UNREACHABLE"


class Answer(Struct, frozen=True):
    """One tier's answer, with the bytes that prove it later."""

    standing: Standing
    asked_at: datetime
    revoked_at: datetime | None = None
    ocsp: bytes | None = None
    crl: bytes | None = None
    valid_until: datetime | None = None


Answers = OrderedDict[bytes, Answer]
"""Answers by certificate hash, oldest first; shared by the clients of a process."""


class StatusClient:
    """Asks the status of certificates and remembers answers for as long as policy allows."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        timeout_seconds: float = 3.0,
        keep: timedelta = timedelta(hours=1),
        answers: Answers | None = None,
    ) -> None:
        self._http, self._timeout, self._keep = http, timeout_seconds, keep
        self._answers = Answers() if answers is None else answers

    async def ask_path(self, path: tuple[x509.Certificate, ...], *, now: datetime) -> list[Answer]:
        """Ask for every certificate of a path below its root; the first answer is the signer's."""
        return [await self.ask(path[at], path[at + 1], now=now) for at in range(len(path) - 1)]

    async def ask(self, certificate: x509.Certificate, issuer: x509.Certificate, *, now: datetime) -> Answer:
        """Return the standing of one certificate; an answer younger than `keep` is used again."""
        key = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
        known = self._answers.get(key)
        if known is not None and now - known.asked_at < self._keep and not _outdated(known, now):
            return known
        answer = await self._ocsp(certificate, issuer, now) or await self._crl(certificate, issuer, now)
        if answer is None:
            return Answer(Standing.UNREACHABLE, now)
        self._answers[key] = answer
        self._answers.move_to_end(key)
        if len(self._answers) > _ANSWERS_KEPT:
            self._answers.popitem(last=False)
        return answer

    async def _ocsp(
        self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
    ) -> Answer | None:
        url = _ocsp_url(certificate)
        if url is None:
            return None
        request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1()).build()  # noqa: S303 - names the certificate, protects nothing (RFC 6960)
        data = request.public_bytes(Encoding.DER)
        try:
            answer = await self._http.post(
                url,
                content=data,
                headers={"content-type": "application/ocsp-request"},
                timeout=self._timeout,
            )
            answer.raise_for_status()
            return read_ocsp(answer.content, certificate, issuer, now=now)
        except (httpx.HTTPError, ValueError) as error:
            log.warning("ocsp.failed", url=url, error=type(error).__name__)
            return None

    async def _crl(
        self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
    ) -> Answer | None:
        for url in _crl_urls(certificate):
            try:
                answer = await self._http.get(url, timeout=self._timeout)
                answer.raise_for_status()
                if len(answer.content) > SIZE_MAXIMUM:
                    raise ValueError("too large")
                return read_crl(answer.content, certificate, issuer, now=now)
            except (httpx.HTTPError, ValueError) as error:
                log.warning("crl.failed", url=url, error=type(error).__name__)
        return None


def read_ocsp(
    data: bytes, certificate: x509.Certificate, issuer: x509.Certificate, *, now: datetime
) -> Answer:
    """Check and read an OCSP response that should be fresh. Raises ValueError when it is stale or not to be believed."""
    answer = _read_ocsp(data, certificate, issuer)
    if answer.asked_at > now + CLOCK_SKEW:
        raise ValueError("from the future")
    if _outdated(answer, now):
        raise ValueError("stale")
    return replace(answer, asked_at=now)


def _read_ocsp(data: bytes, certificate: x509.Certificate, issuer: x509.Certificate) -> Answer:
    """Read a response of any age; `asked_at` is its thisUpdate."""
    response = ocsp.load_der_ocsp_response(data)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise ValueError(response.response_status.name)
    if response.serial_number != certificate.serial_number:
        raise ValueError("another certificate")
    if not _signed_by_responder(response, issuer, response.produced_at_utc):
        raise ValueError("signature")
    standing = {
        ocsp.OCSPCertStatus.GOOD: Standing.GOOD,
        ocsp.OCSPCertStatus.REVOKED: Standing.REVOKED,
        ocsp.OCSPCertStatus.UNKNOWN: Standing.UNKNOWN,
    }[response.certificate_status]
    revoked = response.revocation_time_utc if standing is Standing.REVOKED else None
    return Answer(
        standing, response.this_update_utc, revoked, ocsp=data, valid_until=response.next_update_utc
    )


def read_crl(
    data: bytes, certificate: x509.Certificate, issuer: x509.Certificate, *, now: datetime
) -> Answer:
    """Check and read a CRL that should be fresh, DER or PEM. Raises ValueError when it is stale or not the issuer's."""
    answer = _read_crl(data, certificate, issuer)
    if answer.valid_until is None or _outdated(answer, now):
        raise ValueError("stale")
    return replace(answer, asked_at=now)


def _read_crl(data: bytes, certificate: x509.Certificate, issuer: x509.Certificate) -> Answer:
    pem = data.lstrip().startswith(b"-----BEGIN")
    crl = x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
    key = issuer.public_key()
    if crl.issuer != issuer.subject or not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise ValueError("issuer")
    if not crl.is_signature_valid(key):
        raise ValueError("signature")
    entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
    answer = Answer(Standing.GOOD, crl.last_update_utc, crl=data, valid_until=crl.next_update_utc)
    if entry is None:
        return answer
    return replace(answer, standing=Standing.REVOKED, revoked_at=entry.revocation_date_utc)


def standing_at(
    path: tuple[x509.Certificate, ...], ocsps: Sequence[bytes], crls: Sequence[bytes], *, at: datetime
) -> Standing:
    """Say how a path stood at a moment, by answers of any age: the worst of its tiers.

    A revocation at or before the moment counts; a good answer counts unless it had run out before the moment.
    """
    tiers = [_tier(path[n], path[n + 1], ocsps, crls, at) for n in range(len(path) - 1)]
    order = (Standing.REVOKED, Standing.UNREACHABLE, Standing.UNKNOWN)
    return next((standing for standing in order if standing in tiers), Standing.GOOD)


def _tier(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    ocsps: Sequence[bytes],
    crls: Sequence[bytes],
    at: datetime,
) -> Standing:
    found = Standing.UNREACHABLE
    for read, answers in ((_read_ocsp, ocsps), (_read_crl, crls)):
        for data in answers:
            try:
                answer = read(data, certificate, issuer)
            except ValueError:
                continue
            if answer.standing is Standing.REVOKED:
                if answer.revoked_at is None or answer.revoked_at <= at:
                    return Standing.REVOKED
                found = Standing.GOOD
            elif not _outdated(answer, at):
                found = Standing.GOOD if Standing.GOOD in (found, answer.standing) else answer.standing
    return found


def _outdated(answer: Answer, now: datetime) -> bool:
    return answer.valid_until is not None and answer.valid_until < now


def _signed_by_responder(response: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> bool:
    """The issuer itself, or a certificate of the issuer's with the OCSP usage, must have signed."""
    for signer in (issuer, *response.certificates):
        if signer != issuer and not _is_responder(signer, issuer, now):
            continue
        if _verifies(signer, response):
            return True
    return False


def _is_responder(signer: x509.Certificate, issuer: x509.Certificate, now: datetime) -> bool:
    try:
        usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        signer.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, InvalidSignature, ValueError, TypeError):
        return False
    in_force = signer.not_valid_before_utc <= now <= signer.not_valid_after_utc
    return ExtendedKeyUsageOID.OCSP_SIGNING in usage and in_force


def _verifies(signer: x509.Certificate, response: ocsp.OCSPResponse) -> bool:
    key, algorithm = signer.public_key(), response.signature_hash_algorithm
    if algorithm is None or algorithm.digest_size < 32:
        return False
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _ocsp_url(certificate: x509.Certificate) -> str | None:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return None
    for description in access:
        if description.access_method == AuthorityInformationAccessOID.OCSP:
            return str(description.access_location.value)
    return None


def _crl_urls(certificate: x509.Certificate) -> list[str]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    return [
        name.value
        for point in points
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier) and name.value.startswith("http")
    ]
