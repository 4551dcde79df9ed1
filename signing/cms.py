"""The CMS (RFC 5652) of a PAdES signature: written from parts that are constant per signer, and read back to check it."""

import hashlib
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct

from signing.der import OCTETS, OID, SEQUENCE, SET, BadDer, children, expect, integer, oid, strip, tlv
from signing.schemes import ALGORITHM, HASHES, SHA256_BARE, Scheme, hash_of, holds, scheme_of

DATA = oid("1.2.840.113549.1.7.1")
SIGNED_DATA = oid("1.2.840.113549.1.7.2")
TST_INFO = oid("1.2.840.113549.1.9.16.1.4")
CONTENT_TYPE = oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = oid("1.2.840.113549.1.9.4")
SIGNING_CERTIFICATE_V2 = oid("1.2.840.113549.1.9.16.2.47")
TIMESTAMP_TOKEN = oid("1.2.840.113549.1.9.16.2.14")

TOKEN_OVERHEAD = 40  # Headers of the unsigned attribute and of the longer lengths around it, bytes.
_SIGNATURE_ROOM = {Scheme.RSA_PSS_SHA256: 0, Scheme.RSA_PKCS1_SHA256: 0, Scheme.ECDSA_SHA256: 144}


def _attribute(kind: bytes, value: bytes) -> bytes:
    return tlv(SEQUENCE, kind, tlv(SET, value))


class CmsTemplate:
    """Everything that is constant for one signer, encoded once; a signature then costs one key operation and a few joins."""

    def __init__(
        self,
        certificate: x509.Certificate,
        chain: tuple[x509.Certificate, ...],
        scheme: Scheme,
        *,
        content_type: bytes = DATA,
    ) -> None:
        der = certificate.public_bytes(Encoding.DER)
        issuer, serial = certificate.issuer.public_bytes(), integer(certificate.serial_number)
        named = tlv(SEQUENCE, tlv(SEQUENCE, tlv(0xA4, issuer)), serial)
        hashed = tlv(OCTETS, hashlib.sha256(der).digest())
        reference = tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, hashed, named)))
        self._content_type = content_type
        self._certificates = tlv(0xA0, der, *(link.public_bytes(Encoding.DER) for link in chain))
        self._signer = tlv(SEQUENCE, issuer, serial)
        self._fixed = [
            _attribute(CONTENT_TYPE, content_type),
            _attribute(SIGNING_CERTIFICATE_V2, reference),
        ]
        self._algorithm = ALGORITHM[scheme]
        key_bytes = getattr(certificate.public_key(), "key_size", 0) // 8
        dummy = bytes(_SIGNATURE_ROOM[scheme] or key_bytes)
        self.size = len(self.assemble(self.attributes(bytes(32)), dummy))

    def attributes(self, digest: bytes) -> bytes:
        """Return the DER SET of signed attributes over a content digest: the bytes a key signs."""
        members = [*self._fixed, _attribute(MESSAGE_DIGEST, tlv(OCTETS, digest))]
        return tlv(SET, *sorted(members))

    def assemble(
        self,
        attributes: bytes,
        signature: bytes,
        token: bytes | None = None,
        *,
        content: bytes | None = None,
    ) -> bytes:
        """Return the finished ContentInfo; the timestamp token, if any, is its unsigned attribute."""
        signer = tlv(
            SEQUENCE,
            integer(1),
            self._signer,
            SHA256_BARE,
            b"\xa0" + attributes[1:],
            self._algorithm,
            tlv(OCTETS, signature),
            tlv(0xA1, _attribute(TIMESTAMP_TOKEN, token)) if token else b"",
        )
        inside = tlv(0xA0, tlv(OCTETS, content)) if content is not None else b""
        body = tlv(
            SEQUENCE,
            integer(1 if content is None else 3),
            tlv(SET, SHA256_BARE),
            tlv(SEQUENCE, self._content_type, inside),
            self._certificates,
            tlv(SET, signer),
        )
        return tlv(SEQUENCE, SIGNED_DATA, tlv(0xA0, body))


class SignedData(Struct, frozen=True):
    """The parts of a CMS with one signer that our own checks need."""

    content: bytes | None
    certificates: tuple[bytes, ...]
    signer: bytes  # issuerAndSerialNumber, DER.
    attributes: bytes  # The DER SET that was signed.
    message_digest: bytes
    certificate_hash: bytes
    certificate_hash_name: str
    digest: str  # Name of the hash over the content.
    scheme: Scheme | None
    signature: bytes
    token: bytes | None

    def signed_by(self, certificate: x509.Certificate, digest: bytes) -> bool:
        """Tell whether this certificate's key signed this content digest, by an accepted scheme."""
        if self.scheme is None or self.message_digest != digest:
            return False
        if not self._names(certificate.public_bytes(Encoding.DER)):
            return False
        signed = hashlib.new(self.scheme.hash.name, self.attributes).digest()
        return holds(certificate.public_key(), self.scheme, self.signature, signed)

    def holds_content(self, certificate: x509.Certificate) -> bool:
        """The same for a CMS that carries its content, as a timestamp token does."""
        content = self.content
        return content is not None and self.signed_by(certificate, hashlib.new(self.digest, content).digest())

    def _names(self, der: bytes) -> bool:
        return hashlib.new(self.certificate_hash_name, der).digest() == self.certificate_hash

    def certificate(self) -> x509.Certificate | None:
        """Return the embedded certificate that the signing-certificate attribute names."""
        for der in self.certificates:
            if self._names(der):
                return load_certificate(der)
        return None


@lru_cache(maxsize=512)
def load_certificate(der: bytes) -> x509.Certificate:
    """Parse a certificate; the same few signers come again and again. Raises ValueError."""
    return x509.load_der_x509_certificate(der)


def read_signed_data(data: bytes) -> SignedData:
    """Read a ContentInfo with exactly one signer. Raises BadDer on anything else."""
    data = strip(data)
    start, end = expect(data, 0, SEQUENCE)
    kind, wrapped = _members(data, start, end, 2)
    if data[kind[1] : kind[3]] != SIGNED_DATA:
        raise BadDer("not SignedData")
    body_start, body_end = expect(data, wrapped[2], SEQUENCE)
    content: bytes | None = None
    certificates: tuple[bytes, ...] = ()
    signers, digests = b"", b""
    for tag, _, inner, stop in children(data, body_start, body_end):
        if tag == SEQUENCE:
            content = _content(data, inner, stop)
        elif tag == 0xA0:
            certificates = tuple(data[at:after] for _, at, _, after in children(data, inner, stop))
        elif tag == SET:
            digests, signers = digests or data[inner:stop], data[inner:stop]
    signer_start, signer_end = expect(signers, 0, SEQUENCE)
    if signer_end != len(signers):
        raise BadDer("more than one signer")
    return _read_signer(signers, signer_start, signer_end, content, certificates, digests)


def _members(data: bytes, start: int, end: int, count: int) -> list[tuple[int, int, int, int]]:
    found = list(children(data, start, end))
    if len(found) < count:
        raise BadDer("members missing")
    return found


def _content(data: bytes, start: int, end: int) -> bytes | None:
    members = _members(data, start, end, 1)
    if len(members) == 1:
        return None
    inner, stop = expect(data, members[1][2], OCTETS)
    return data[inner:stop]


def _read_signer(
    data: bytes,
    start: int,
    end: int,
    content: bytes | None,
    certificates: tuple[bytes, ...],
    digests: bytes,
) -> SignedData:
    members = _members(data, start, end, 6)
    _version, signer, digest, attributes, algorithm, signature = members[:6]
    used = data[slice(*expect(data, digest[2], OID))]
    if used not in digests or len(digests) > len(used) + 6:
        raise BadDer("digest algorithms")
    if attributes[0] != 0xA0 or signature[0] != OCTETS:
        raise BadDer("no signed attributes")
    values = _attributes(data, attributes[2], attributes[3])
    unsigned = _attributes(data, members[6][2], members[6][3]) if len(members) > 6 else {}
    hashed = values.get(MESSAGE_DIGEST, b"")
    name = hash_of(data[digest[1] : digest[3]])
    if not hashed or name is None:
        raise BadDer("no message digest of a kind that we accept")
    named, reference = _certificate_hash(values.get(SIGNING_CERTIFICATE_V2))
    return SignedData(
        content=content,
        certificates=certificates,
        signer=data[signer[1] : signer[3]],
        attributes=b"\x31" + data[attributes[1] + 1 : attributes[3]],
        message_digest=hashed[slice(*expect(hashed, 0, OCTETS))],
        certificate_hash=reference,
        certificate_hash_name=named,
        digest=name,
        scheme=scheme_of(data[algorithm[1] : algorithm[3]], name),
        signature=data[signature[2] : signature[3]],
        token=unsigned.get(TIMESTAMP_TOKEN),
    )


def _attributes(data: bytes, start: int, end: int) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for _, _, inner, stop in children(data, start, end):
        kind, values = _members(data, inner, stop, 2)[:2]
        name = data[kind[1] : kind[3]]
        if name in found:
            raise BadDer("an attribute twice")
        found[name] = data[values[2] : values[3]]
    return found


def _certificate_hash(value: bytes | None) -> tuple[str, bytes]:
    """Read the hash of ESSCertIDv2 and its name, SHA-256 unless said; empty when absent or made with a weak one."""
    if value is None:
        return "sha256", b""
    at = expect(value, 0, SEQUENCE)[0]
    at = expect(value, at, SEQUENCE)[0]
    start, end = expect(value, at, SEQUENCE)
    members = _members(value, start, end, 1)
    name: str | None = "sha256"
    if members[0][0] == SEQUENCE:
        name = hash_of(value[members[0][1] : members[0][3]])
        members = members[1:]
    if name is None or not members or members[0][0] != OCTETS:
        return "sha256", b""
    _, _, inner, stop = members[0]
    return (name, value[inner:stop]) if stop - inner == HASHES[name].digest_size else ("sha256", b"")
