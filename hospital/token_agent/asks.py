"""What a page of our hospital asks the token to sign, held in memory until it is answered or too old."""

import base64
import binascii
import hashlib
import secrets
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import anyio.to_thread
from cryptography import x509
from msgspec import Meta, Struct, field

from kernel.clock import Instant
from kernel.problems import Conflict, NotFound, Refused
from signing.cms import CONTENT_TYPE, DATA, MESSAGE_DIGEST, SIGNING_CERTIFICATE_V2
from signing.der import OCTETS, OID, SEQUENCE, SET, BadDer, children, expect
from signing.pkcs11 import Pkcs11Signer, TokenCertificate, list_tokens, open_token
from signing.schemes import Scheme
from signing.xml_steps import is_signed_info

ASKS_MAXIMUM, DOCUMENTS_MAXIMUM = 5, 200
LIFE = timedelta(minutes=5)
WAIT_SECONDS = 20.0


class AgentDocument(Struct, frozen=True):
    """One document as it is shown, and the only bytes that are signed for it."""

    id: str
    title: Annotated[str, Meta(max_length=300)]
    patient: Annotated[str, Meta(max_length=200)]
    pages: int
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    attributes: str

    @property
    def signed(self) -> bytes:
        return base64.b64decode(self.attributes, validate=True)

    @property
    def is_xml(self) -> bool:
        """What is signed is the SignedInfo of an XML signature: digests and nothing else."""
        try:
            return is_signed_info(self.signed)
        except binascii.Error:
            return False

    @property
    def mark(self) -> str:
        """Eight digits of what is really signed, computed here: the hospital's page shows the same."""
        return hashlib.sha256(self.signed).hexdigest()[:8]


class AgentJob(Struct, frozen=True):
    """What is asked of the token."""

    signer: Annotated[str, Meta(max_length=200)]
    scheme: Scheme
    fingerprint: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    documents: Annotated[list[AgentDocument], Meta(min_length=1, max_length=DOCUMENTS_MAXIMUM)]


class AskState(StrEnum):
    ASKING = "asking"
    SIGNED = "signed"
    DECLINED = "declined"


class Ask(Struct):
    """A request under way. `id` is known to the hospital's page, `secret` opens our own window."""

    id: str
    secret: str
    job: AgentJob
    until: Instant
    state: AskState = AskState.ASKING
    values: dict[str, str] = field(default_factory=dict)


class AskNotFound(NotFound):
    slug = "ask-not-found"


class NotASignature(Refused):
    """The bytes are not the signed attributes of a document signature by this certificate."""

    slug = "not-a-signature"


class TooManyAsks(Conflict):
    slug = "too-many-asks"


class TokenNotHere(Conflict):
    slug = "token-not-here"


class Asks:
    """The requests of this program. Nothing of them is written anywhere."""

    def __init__(self, modules: tuple[Path, ...], *, wait_seconds: float = WAIT_SECONDS) -> None:
        self._modules, self._wait = modules, wait_seconds
        self._asks: dict[str, Ask] = {}

    def begin(self, job: AgentJob, now: Instant) -> Ask:
        """Take a request. Raises NotASignature, TooManyAsks."""
        self._forget_old(now)
        if len(self._asks) >= ASKS_MAXIMUM:
            raise TooManyAsks("Còn yêu cầu ký khác chưa trả lời trên máy này.")
        for document in job.documents:
            if not document.is_xml:
                check_attributes(document.attributes, job.fingerprint)
        ask = Ask(secrets.token_urlsafe(18), secrets.token_urlsafe(24), job, now + LIFE)
        self._asks[ask.id] = ask
        return ask

    def find(self, ask_id: str, now: Instant) -> Ask:
        """Raises AskNotFound for one that is unknown, too old or was handed over."""
        self._forget_old(now)
        if ask_id not in self._asks:
            raise AskNotFound("Yêu cầu ký không còn trên máy này.")
        return self._asks[ask_id]

    def open(self, secret: str, now: Instant) -> Ask:
        """Find by what only our own window knows. Raises AskNotFound."""
        self._forget_old(now)
        for ask in self._asks.values():
            if secrets.compare_digest(ask.secret, secret):
                return ask
        raise AskNotFound("Yêu cầu ký không còn trên máy này.")

    def drop(self, ask_id: str) -> None:
        self._asks.pop(ask_id, None)

    def __len__(self) -> int:
        return len(self._asks)

    def _forget_old(self, now: Instant) -> None:
        self._asks = {key: ask for key, ask in self._asks.items() if ask.until > now}

    async def sign(self, ask: Ask, pin: str) -> None:
        """Sign everything of a request under one PIN; a wrong one is tried once and signs nothing.

        Raises TokenNotHere and what `open_token` raises.
        """
        if ask.state is not AskState.ASKING:
            return
        found = await self._certificate(ask.job.fingerprint)
        certificate = x509.load_der_x509_certificate(found.certificate)
        old = ask.job.scheme is Scheme.RSA_PKCS1_SHA256
        signer = await open_token(
            self._modules, found.uri, pin, certificate, (), allow_pkcs1=old, wait_seconds=self._wait
        )
        try:
            for made_by in {signer.xml_scheme if d.is_xml else signer.scheme for d in ask.job.documents}:
                if made_by is not ask.job.scheme:
                    raise TokenNotHere(f"Token này ký theo {made_by}, bệnh viện cần {ask.job.scheme}.")
            made = {d.id: await _value(signer, d) for d in ask.job.documents}
        finally:
            await signer.close()
        ask.values = {key: base64.b64encode(value).decode() for key, value in made.items()}
        ask.state = AskState.SIGNED

    async def _certificate(self, fingerprint: str) -> TokenCertificate:
        for token in await list_tokens(self._modules, wait_seconds=self._wait):
            for found in token.certificates:
                if hashlib.sha256(found.certificate).hexdigest() == fingerprint:
                    return found
        raise TokenNotHere(
            "Chưa thấy token mang chứng thư của bạn trên máy này. Cắm token đã đăng ký rồi bấm Ký lại."
        )


async def _value(signer: Pkcs11Signer, document: AgentDocument) -> bytes:
    if document.is_xml:
        return await anyio.to_thread.run_sync(signer.sign_xml, document.signed)
    return await signer.sign(document.signed)


def check_attributes(text: str, fingerprint: str) -> None:
    """See that these are signed attributes over a file's digest, naming this certificate: nothing else is ever signed.

    Raises NotASignature.
    """
    try:
        data = base64.b64decode(text, validate=True)
        values = _attributes(data)
        content = values[CONTENT_TYPE] == DATA
        start, end = expect(values[MESSAGE_DIGEST], 0, OCTETS)
        digest = end - start == 32 and end == len(values[MESSAGE_DIGEST])
        named = _certificate_hash(values[SIGNING_CERTIFICATE_V2]).hex() == fingerprint
    except (BadDer, binascii.Error, ValueError, KeyError, IndexError) as error:
        raise NotASignature("Dữ liệu cần ký không phải chữ ký văn bản.") from error
    known = {CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE_V2}
    if not (content and digest and named) or set(values) != known:
        raise NotASignature("Dữ liệu cần ký không phải chữ ký văn bản bằng chứng thư này.")


def _attributes(data: bytes) -> dict[bytes, bytes]:
    start, end = expect(data, 0, SET)
    if end != len(data):
        raise BadDer("more than one set")
    found: dict[bytes, bytes] = {}
    for tag, _, inner, stop in children(data, start, end):
        kind, values = children(data, inner, stop)
        if tag != SEQUENCE or kind[0] != OID or values[0] != SET or data[kind[1] : kind[3]] in found:
            raise BadDer("attribute")
        found[data[kind[1] : kind[3]]] = data[values[2] : values[3]]
    return found


def _certificate_hash(value: bytes) -> bytes:
    at = expect(value, 0, SEQUENCE)[0]
    at = expect(value, at, SEQUENCE)[0]
    at = expect(value, at, SEQUENCE)[0]
    start, end = expect(value, at, OCTETS)
    return value[start:end]
