"""What a certification authority serves: OCSP by GET and POST, CRL, CA certificates, RFC 3161 timestamps.

Misbehaves on command: POST /outside/pki/mood {"mode": "ok" | "slow" | "error" | "garbage" | "drop"}.
"""

import asyncio
import base64
import binascii
import datetime as dt
import hashlib
import os
from collections.abc import AsyncIterator
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.response import Stream
from litestar.types import ControllerRouterHandler
from msgspec import Struct

from hospital.demo.outside.app import OutsideSettings
from hospital.demo.pki import DemoPki, Key
from signing.cms import TST_INFO, CmsTemplate
from signing.der import (
    GENERALIZED_TIME,
    INTEGER,
    OCTETS,
    SEQUENCE,
    BadDer,
    children,
    expect,
    integer,
    oid,
    tlv,
)
from signing.keys import SoftwareSigner
from signing.schemes import SHA256, scheme_for

SLOW_SECONDS = 20.0
FRESH = dt.timedelta(days=1)
CRL_LIFE = dt.timedelta(days=7)
POLICY = oid("1.3.6.1.4.1.4146.2.2")
PUBLIC = {"public": True, "exclude_from_csrf": True}


class Mode(StrEnum):
    OK = "ok"
    SLOW = "slow"
    ERROR = "error"
    GARBAGE = "garbage"
    DROP = "drop"


class SetMood(Struct, frozen=True):
    """How to behave from now on; `delay_ms` waits before each answer, as a distant authority does."""

    mode: Mode = Mode.OK
    delay_ms: int = 0


class TimestampAuthority:
    """Makes RFC 3161 tokens with a key that was loaded once."""

    def __init__(
        self, pki: DemoPki, certificate: x509.Certificate | None = None, key: Key | None = None
    ) -> None:
        own, chain = certificate or pki.tsa, () if certificate else (pki.issuing,)
        scheme = scheme_for(own.public_key(), allow_pkcs1=True)  # openssl ts reads no PSS here.
        self._signer = SoftwareSigner(key or pki.tsa_key, own, chain, allow_pkcs1=True)
        self._template = CmsTemplate(own, chain, scheme, content_type=TST_INFO)
        self._name = tlv(0xA0, tlv(0xA4, own.subject.public_bytes()))

    def answer(self, query: bytes, *, now: dt.datetime) -> bytes:
        """Return a TimeStampResp. Raises BadDer for a query that is none."""
        start, end = expect(query, 0, SEQUENCE)
        members = list(children(query, start, end))
        imprint = query[members[1][1] : members[1][3]]
        nonce = next((query[m[1] : m[3]] for m in members[2:] if m[0] == INTEGER), b"")
        return tlv(SEQUENCE, tlv(SEQUENCE, integer(0)), self.token(imprint, nonce, now=now))

    def token(self, imprint: bytes, nonce: bytes = b"", *, now: dt.datetime) -> bytes:
        """Return a token over a MessageImprint (DER)."""
        info = tlv(
            SEQUENCE,
            integer(1),
            POLICY,
            imprint,
            integer(int.from_bytes(os.urandom(8))),
            tlv(GENERALIZED_TIME, now.astimezone(dt.UTC).strftime("%Y%m%d%H%M%SZ").encode()),
            nonce,
            self._name,
        )
        attributes = self._template.attributes(hashlib.sha256(info).digest())
        return self._template.assemble(attributes, self._signer.sign_now(attributes), content=info)

    def over(self, digest: bytes, *, now: dt.datetime) -> bytes:
        """Return a token over a SHA-256 digest."""
        return self.token(tlv(SEQUENCE, SHA256, tlv(OCTETS, digest)), now=now)


class PkiDesk:
    """The authority's counter: answers from the folder of the demo PKI, in the mood it is told."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.mood = folder, SetMood()

    @cached_property
    def pki(self) -> DemoPki:
        """The authority's certificates and keys; made by the demo's seed, so read when first asked."""
        return DemoPki(self._folder)

    @cached_property
    def tsa(self) -> TimestampAuthority:
        return TimestampAuthority(self.pki)

    async def behave(self) -> Response[bytes] | Stream | None:
        """Wait or misbehave; None when a true answer is due."""
        if self.mood.delay_ms:
            await asyncio.sleep(self.mood.delay_ms / 1000)
        match self.mood.mode:
            case Mode.SLOW:
                await asyncio.sleep(SLOW_SECONDS)
            case Mode.ERROR:
                return Response(b"", status_code=503)
            case Mode.GARBAGE:
                return Response(b"\x30\x03\x02\x01\x02garbage", media_type="application/octet-stream")
            case Mode.DROP:
                return Stream(_broken_off())
        return None

    def ocsp(self, name: str, request: bytes, *, now: dt.datetime) -> bytes:
        """Answer an OCSP request for certificates of one issuer. Raises ValueError for a request that is none."""
        asked = ocsp.load_der_ocsp_request(request)
        root = name == "root"
        issuer = self.pki.root if root else self.pki.issuing
        responder = self.pki.ocsp_root if root else self.pki.ocsp_issuing
        key = self.pki.ocsp_root_key if root else self.pki.ocsp_issuing_key
        if asked.issuer_key_hash != _key_hash(issuer, asked.hash_algorithm):
            return ocsp.OCSPResponseBuilder.build_unsuccessful(
                ocsp.OCSPResponseStatus.UNAUTHORIZED
            ).public_bytes(Encoding.DER)
        revoked = self.pki.revoked().get(asked.serial_number)
        moment = now.replace(microsecond=0)
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            asked.issuer_name_hash,
            asked.issuer_key_hash,
            asked.serial_number,
            asked.hash_algorithm,
            ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
            moment - dt.timedelta(minutes=1),
            moment + FRESH,
            revoked,
            x509.ReasonFlags.unspecified if revoked else None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, responder).certificates([responder])
        for extension in asked.extensions:
            if isinstance(extension.value, x509.OCSPNonce):
                builder = builder.add_extension(extension.value, extension.critical)
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)

    def crl(self, name: str, *, now: dt.datetime) -> bytes:
        """Return the list of revoked certificates of one issuer."""
        root = name == "root"
        issuer, key = (self.pki.root, self.pki.root_key) if root else (self.pki.issuing, self.pki.issuing_key)
        moment = now.replace(microsecond=0)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.subject)
            .last_update(moment - dt.timedelta(minutes=1))
            .next_update(moment + CRL_LIFE)
            .add_extension(x509.CRLNumber(int(moment.timestamp())), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
            )
        )
        for serial, at in self.pki.revoked().items():
            row = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build()
            builder = builder.add_revoked_certificate(row)
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def routes(settings: OutsideSettings) -> list[ControllerRouterHandler]:
    """Return the handlers of the authority, for the server of the outside world."""
    desk = PkiDesk(settings.data_dir / "pki")
    return [*_stamping(desk), *_standing(desk), _files(desk)]


def _stamping(desk: PkiDesk) -> list[ControllerRouterHandler]:
    @post("/outside/pki/mood", opt=PUBLIC, status_code=204)
    async def set_mood(data: JSONBody[SetMood]) -> None:
        desk.mood = data

    @post("/outside/pki/tsa", opt=PUBLIC, status_code=200)
    async def stamp(request: Request[Any, Any, Any]) -> Response[bytes] | Stream:
        odd = await desk.behave()
        if odd is not None:
            return odd
        try:
            answer = desk.tsa.answer(await request.body(), now=dt.datetime.now(dt.UTC))
        except (BadDer, IndexError):
            answer = tlv(SEQUENCE, tlv(SEQUENCE, integer(2)))
        return Response(answer, media_type="application/timestamp-reply")

    return [set_mood, stamp]


def _standing(desk: PkiDesk) -> list[ControllerRouterHandler]:
    @post("/outside/pki/ocsp/{name:str}", opt=PUBLIC, status_code=200)
    async def ocsp_post(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes] | Stream:
        return await _ocsp(desk, name, await request.body())

    @get("/outside/pki/ocsp/{name:str}/{_encoded:path}", opt=PUBLIC)
    async def ocsp_get(
        name: FromPath[str], _encoded: FromPath[str], request: Request[Any, Any, Any]
    ) -> Response[bytes] | Stream:
        # The path as sent: base64 may hold "//", which routing folds into "/".
        encoded = request.scope["raw_path"].decode("ascii").partition(f"/ocsp/{name}/")[2].partition("?")[0]
        try:
            asked = base64.b64decode(unquote(encoded), validate=True)
        except binascii.Error:
            return Response(b"", status_code=400)
        return await _ocsp(desk, name, asked)

    return [ocsp_post, ocsp_get]


def _files(desk: PkiDesk) -> ControllerRouterHandler:
    @get("/outside/pki/{file:str}", opt=PUBLIC)
    async def file(file: FromPath[str]) -> Response[bytes] | Stream:
        odd = await desk.behave()
        if odd is not None:
            return odd
        name, _, kind = file.partition(".")
        if name not in ("root", "issuing") or kind not in ("crl", "crt"):
            return Response(b"", status_code=404)
        if kind == "crl":
            return Response(desk.crl(name, now=dt.datetime.now(dt.UTC)), media_type="application/pkix-crl")
        certificate = desk.pki.root if name == "root" else desk.pki.issuing
        return Response(certificate.public_bytes(Encoding.DER), media_type="application/pkix-cert")

    return file


async def _ocsp(desk: PkiDesk, name: str, request: bytes) -> Response[bytes] | Stream:
    odd = await desk.behave()
    if odd is not None:
        return odd
    try:
        answer = desk.ocsp(name, request, now=dt.datetime.now(dt.UTC))
    except ValueError:
        refusal = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        answer = refusal.public_bytes(Encoding.DER)
    return Response(answer, media_type="application/ocsp-response")


def _key_hash(issuer: x509.Certificate, algorithm: hashes.HashAlgorithm) -> bytes:
    whole = hashes.Hash(algorithm)
    whole.update(_key_bits(issuer))
    return whole.finalize()


def _key_bits(certificate: x509.Certificate) -> bytes:
    """Return the bits of the public key, which OCSP hashes, without their wrapping."""
    info = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    start, end = expect(info, 0, SEQUENCE)
    bits = list(children(info, start, end))[1]
    return info[bits[2] + 1 : bits[3]]


async def _broken_off() -> AsyncIterator[bytes]:
    """Begin an answer and end the connection in the middle of it."""
    yield b"\x30"
    raise ConnectionAbortedError("mood: drop")
