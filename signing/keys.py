"""Signers: something that holds a private key, or reaches one, and signs the attributes of a CMS."""

import hashlib
import os
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    pkcs12,
)

from kernel.problems import Conflict, Refused
from signing.cms import CmsTemplate
from signing.schemes import PREHASHED, PSS_PADDING, Scheme, WeakKey, scheme_for, side_by_side

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class WrongPin(Refused):
    """The PIN does not open this key file."""

    slug = "wrong-pin"


class BadKeyFile(Refused):
    """The file is not a PKCS#12 with one key and its certificate."""

    slug = "bad-key-file"


class KeyLocked(Conflict):
    """No key was unlocked in this sign-in, or not by it."""

    slug = "key-locked"


class Signer(Protocol):
    """What signing needs of a key, wherever it lives: PKCS#12 file, token or HSM, remote service."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    scheme: Scheme
    method: str
    template: CmsTemplate

    async def sign(self, attributes: bytes) -> bytes:
        """Return the signature value over the DER of the signed attributes."""
        ...

    async def close(self) -> None:
        """Give the key back: a confirmation is over."""
        ...


class SoftwareSigner:
    """A key held in memory by this process. Never written in clear."""

    method = "PKI_SOFTWARE"

    def __init__(
        self,
        key: PrivateKey,
        certificate: x509.Certificate,
        chain: tuple[x509.Certificate, ...],
        *,
        allow_pkcs1: bool = False,
    ) -> None:
        self.certificate, self.chain = certificate, chain
        self.scheme = scheme_for(certificate.public_key(), allow_pkcs1=allow_pkcs1)
        self.template = CmsTemplate(certificate, chain, self.scheme)
        self._key = key

    def with_chain(self, chain: tuple[x509.Certificate, ...]) -> "SoftwareSigner":
        """Return the same key with other certificates between it and the root."""
        allow = self.scheme is Scheme.RSA_PKCS1_SHA256
        return SoftwareSigner(self._key, self.certificate, chain, allow_pkcs1=allow)

    def sign_now(self, attributes: bytes) -> bytes:
        """Sign without waiting: one key operation."""
        digest = hashlib.sha256(attributes).digest()
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(digest, ec.ECDSA(PREHASHED))
        if self.scheme is Scheme.RSA_PSS_SHA256:
            return self._key.sign(digest, PSS_PADDING, PREHASHED)
        return self._key.sign(digest, padding.PKCS1v15(), PREHASHED)

    async def sign(self, attributes: bytes) -> bytes:
        """Sign; the same as `sign_now` behind the common face."""
        return self.sign_now(attributes)

    async def close(self) -> None:
        """Nothing to give back: the key goes with the object."""

    @property
    def xml_scheme(self) -> Scheme:
        """As Scheme.for_xml, whatever PDF files use."""
        return self.scheme.for_xml

    def sign_xml(self, data: bytes) -> bytes:
        """Sign a canonical SignedInfo; ECDSA values are written as r and s side by side (RFC 4050)."""
        digest = hashlib.sha256(data).digest()
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(digest, padding.PKCS1v15(), PREHASHED)
        return side_by_side(self._key.sign(digest, ec.ECDSA(PREHASHED)), self._key.public_key())

    def sealed(self, secret: bytes, *, bound_to: bytes) -> bytes:
        """Return key, certificate and chain encrypted under a secret; opens only with the same `bound_to`."""
        der = self._key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        certificates = [c.public_bytes(Encoding.DER) for c in (self.certificate, *self.chain)]
        packed = b"".join(len(part).to_bytes(4) + part for part in (der, *certificates))
        nonce = os.urandom(12)
        return nonce + AESGCM(_derive(secret)).encrypt(nonce, packed, bound_to)


def open_sealed(
    sealed: bytes, secret: bytes, *, bound_to: bytes, allow_pkcs1: bool = False
) -> SoftwareSigner:
    """Open what `sealed` made. Raises KeyLocked when the secret or the binding differs."""
    try:
        packed = AESGCM(_derive(secret)).decrypt(sealed[:12], sealed[12:], bound_to)
    except InvalidTag as error:
        raise KeyLocked("Khóa ký chưa mở trong phiên này. Hãy nhập mã PIN.") from error
    parts, at = [], 0
    while at < len(packed):
        size = int.from_bytes(packed[at : at + 4])
        parts.append(packed[at + 4 : at + 4 + size])
        at += 4 + size
    # The key was validated when its file was opened; validating RSA again costs 36 ms each time.
    key = load_der_private_key(parts[0], None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    certificate, *chain = (x509.load_der_x509_certificate(der) for der in parts[1:])
    return SoftwareSigner(key, certificate, tuple(chain), allow_pkcs1=allow_pkcs1)


def open_pkcs12(data: bytes, pin: str, *, allow_pkcs1: bool = False) -> SoftwareSigner:
    """Open a key file with its PIN: slow on purpose (key derivation and validation), so do it once.

    Raises WrongPin, BadKeyFile for other contents, WeakKey for a key the law does not allow.
    """
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(data, pin.encode())
    except ValueError as error:
        if "password" in str(error).lower() or "decrypt" in str(error).lower():
            raise WrongPin("Mã PIN không đúng.", field="pin") from error
        raise BadKeyFile("Tệp khóa không phải PKCS#12.") from error
    if certificate is None or key is None:
        raise BadKeyFile("Tệp khóa thiếu khóa hoặc chứng thư.")
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise WeakKey(f"Loại khóa {type(key).__name__} không được chấp nhận.")
    if key.public_key() != certificate.public_key():
        raise BadKeyFile("Khóa và chứng thư trong tệp không khớp nhau.")
    return SoftwareSigner(key, certificate, issuers_of(certificate, others), allow_pkcs1=allow_pkcs1)


def issuers_of(certificate: x509.Certificate, pool: list[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Order the issuing certificates above a certificate, the self-signed root left out."""
    chain: list[x509.Certificate] = []
    below = certificate
    while issuer := next((c for c in pool if c.subject == below.issuer and c not in chain), None):
        if issuer.subject == issuer.issuer:
            break
        chain.append(issuer)
        below = issuer
    return tuple(chain)


def _derive(secret: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=b"lanh.signing.unlocked-key").derive(secret)
