"""Seal the timing of a drawn signature for an expert: encrypted to a key that this program does not have.

ECDH P-256 with a fresh key, HKDF-SHA256, AES-256-GCM. Whoever holds the paper sees the lines; how the hand moved, which is
what a forger needs and a court's expert compares, opens only with the private key that the hospital keeps in its safe.
"""

import base64
import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from msgspec import Struct

_INFO = b"lanh drawn signature 1"


class BadEvidenceKey(ValueError):
    """The file holds no P-256 key, or not the one the strokes were sealed for."""


class Sealed(Struct, frozen=True, forbid_unknown_fields=True):
    """Ciphertext in the evidence bundle; base64 without line breaks. `key`: SHA-256 of the public key that can't open it."""

    key: str
    ephemeral: str
    nonce: str
    ciphertext: str


def read_public_key(path: Path) -> ec.EllipticCurvePublicKey:
    """Read the PEM of the evidence key. Raises BadEvidenceKey."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadEvidenceKey(str(path)) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadEvidenceKey(str(path))
    return key


def seal(data: bytes, key: ec.EllipticCurvePublicKey, *, bound_to: bytes) -> Sealed:
    """Encrypt for the holder of the private key; `bound_to` must be known again to open."""
    own = ec.generate_private_key(ec.SECP256R1())
    nonce = os.urandom(12)
    cipher = AESGCM(_derive(own.exchange(ec.ECDH(), key), key))
    return Sealed(
        key=key_name(key),
        ephemeral=_text(_point(own.public_key())),
        nonce=_text(nonce),
        ciphertext=_text(cipher.encrypt(nonce, data, bound_to)),
    )


def open_sealed(sealed: Sealed, private_pem: bytes, *, bound_to: bytes) -> bytes:
    """Decrypt for the expert, outside the running hospital. Raises BadEvidenceKey."""
    key = load_pem_private_key(private_pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key_name(key.public_key()) != sealed.key:
        raise BadEvidenceKey("another key")
    other = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), base64.b64decode(sealed.ephemeral))
    cipher = AESGCM(_derive(key.exchange(ec.ECDH(), other), key.public_key()))
    try:
        return cipher.decrypt(base64.b64decode(sealed.nonce), base64.b64decode(sealed.ciphertext), bound_to)
    except InvalidTag as error:
        raise BadEvidenceKey("another document, or changed") from error


def key_name(key: ec.EllipticCurvePublicKey) -> str:
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _derive(shared: bytes, key: ec.EllipticCurvePublicKey) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=_point(key), info=_INFO).derive(shared)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
