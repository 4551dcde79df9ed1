"""RFC 3161 timestamps: asked from an ordered list of authorities, each with its own time limit."""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import httpx
import structlog
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from msgspec import Struct

from kernel.lanes import BRIEF
from signing.cms import TST_INFO, read_signed_data
from signing.der import (
    BOOLEAN,
    GENERALIZED_TIME,
    INTEGER,
    OCTETS,
    SEQUENCE,
    BadDer,
    children,
    expect,
    integer,
    tlv,
)
from signing.schemes import SHA256
from signing.trust import TrustList

log = structlog.get_logger(__name__)

SIZE_MAXIMUM = 65_536  # Bytes of an answer we are ready to read.


class BadTimestamp(ValueError):
    """The authority's answer is refused, forged, or about something else."""


class Timestamp(Struct, frozen=True):
    """A checked token and what it says."""

    token: bytes
    at: datetime
    authority: str


class TimestampClient:
    """Asks the authorities in order; None when every one of them failed, so that the signature stands at B-B."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        urls: Sequence[str],
        trust: TrustList,
        *,
        timeout_seconds: float = 3.0,
    ) -> None:
        self._http, self._urls, self._trust, self._timeout = http, tuple(urls), trust, timeout_seconds

    async def stamp(self, signature: bytes, *, now: datetime) -> Timestamp | None:
        """Return a token over a signature value, or None."""
        return await self.stamp_digest(hashlib.sha256(signature).digest(), now=now)

    async def stamp_digest(self, imprint: bytes, *, now: datetime) -> Timestamp | None:
        """Return a token over a SHA-256 digest, or None."""
        for url in self._urls:
            nonce = secrets.randbits(63)
            try:
                async with asyncio.timeout(self._timeout):  # As a whole: a trickle of bytes counts, too.
                    answer = await self._http.post(
                        url,
                        content=timestamp_query(imprint, nonce),
                        headers={"content-type": "application/timestamp-query"},
                        timeout=self._timeout,
                        extensions=BRIEF,
                    )
                answer.raise_for_status()
                if len(answer.content) > SIZE_MAXIMUM:
                    raise BadTimestamp("too large")
                return read_answer(answer.content, imprint, nonce, self._trust, now=now)
            except (httpx.HTTPError, TimeoutError, BadTimestamp, BadDer) as error:
                log.warning("timestamp.failed", url=url, error=type(error).__name__, detail=str(error)[:80])
        return None


def timestamp_query(imprint: bytes, nonce: int) -> bytes:
    """Write a TimeStampReq for a SHA-256 imprint that asks for the authority's certificate."""
    hashed = tlv(SEQUENCE, SHA256, tlv(OCTETS, imprint))
    return tlv(SEQUENCE, integer(1), hashed, integer(nonce), tlv(BOOLEAN, b"\xff"))


def read_answer(answer: bytes, imprint: bytes, nonce: int, trust: TrustList, *, now: datetime) -> Timestamp:
    """Read and check a TimeStampResp. Raises BadTimestamp or BadDer."""
    start, end = expect(answer, 0, SEQUENCE)
    parts = list(children(answer, start, end))
    if not parts:
        raise BadTimestamp("empty")
    status_start, status_end = expect(answer, parts[0][2], INTEGER)
    if int.from_bytes(answer[status_start:status_end]) > 1 or len(parts) < 2:
        raise BadTimestamp("refused")
    return check_token(answer[parts[1][1] : parts[1][3]], imprint, trust, now=now, nonce=nonce)


def check_token(
    token: bytes, imprint: bytes, trust: TrustList, *, now: datetime, nonce: int | None = None
) -> Timestamp:
    """Check imprint, nonce, signature, usage and chain of a token. Raises BadTimestamp or BadDer."""
    signed = read_signed_data(token)
    if signed.content is None:
        raise BadTimestamp("no content")
    at, found_imprint, found_nonce = read_info(signed.content)
    if found_imprint != imprint:
        raise BadTimestamp("imprint")
    if nonce is not None and found_nonce != nonce:
        raise BadTimestamp("nonce")
    certificate = signed.certificate()
    if certificate is None or TST_INFO not in signed.attributes:
        raise BadTimestamp("certificate")
    if not _is_authority(certificate):
        raise BadTimestamp("usage")
    if not signed.holds_content(certificate):
        raise BadTimestamp("signature")
    if trust.path(certificate, extra=signed.certificates, at=min(at, now)) is None:
        raise BadTimestamp("chain")
    return Timestamp(token, at, certificate.subject.rfc4514_string())


def read_info(content: bytes) -> tuple[datetime, bytes, int | None]:
    """Read a TSTInfo: its time, its imprint (SHA-256) and its nonce. Raises BadDer."""
    start, end = expect(content, 0, SEQUENCE)
    members = list(children(content, start, end))
    if len(members) < 5:
        raise BadDer("TSTInfo")
    imprint_parts = list(children(content, members[2][2], members[2][3]))
    algorithm = content[imprint_parts[0][1] : imprint_parts[0][3]]
    if len(imprint_parts) != 2 or algorithm[:15] != SHA256[:15]:
        raise BadDer("imprint algorithm")
    imprint = content[imprint_parts[1][2] : imprint_parts[1][3]]
    if members[4][0] != GENERALIZED_TIME:
        raise BadDer("time")
    nonce = next((m for m in members[5:] if m[0] == INTEGER), None)
    number = int.from_bytes(content[nonce[2] : nonce[3]]) if nonce else None
    return _time(content[members[4][2] : members[4][3]].decode("ascii")), imprint, number


def _time(text: str) -> datetime:
    whole = text.rstrip("Z").split(".")[0]
    try:
        return datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise BadDer("time") from error


@lru_cache(maxsize=64)
def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return False
    return list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
