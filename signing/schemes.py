"""Signature schemes: what TT 15/2025/TT-BKHCN annex I accepts, and PKCS#1 v1.5 which it does not."""

from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from kernel.problems import Refused
from signing.der import NULL, integer, oid, tlv

RSA_BITS_MINIMUM = 2048
EC_BITS_MINIMUM = 256
SALT_BYTES = 32

SHA256 = tlv(0x30, oid("2.16.840.1.101.3.4.2.1"), tlv(NULL))
SHA256_BARE = tlv(0x30, oid("2.16.840.1.101.3.4.2.1"))
_MGF1 = tlv(0x30, oid("1.2.840.113549.1.1.8"), SHA256)
_PSS = tlv(
    0x30,
    oid("1.2.840.113549.1.1.10"),
    tlv(0x30, tlv(0xA0, SHA256), tlv(0xA1, _MGF1), tlv(0xA2, integer(SALT_BYTES))),
)
_ECDSA = tlv(0x30, oid("1.2.840.10045.4.3.2"))
_PKCS1 = tlv(0x30, oid("1.2.840.113549.1.1.11"), tlv(NULL))
_RSA_PLAIN = tlv(0x30, oid("1.2.840.113549.1.1.1"), tlv(NULL))

PSS_PADDING = padding.PSS(padding.MGF1(hashes.SHA256()), SALT_BYTES)
PREHASHED = utils.Prehashed(hashes.SHA256())


class Scheme(StrEnum):
    """How a signature value is made; recorded with each signature as evidence."""

    RSA_PSS_SHA256 = "RSA_PSS_SHA256"
    ECDSA_SHA256 = "ECDSA_SHA256"
    RSA_PKCS1_SHA256 = "RSA_PKCS1_SHA256"  # Outside TT 15/2025: only by a flag, and always reported.


ALGORITHM = {Scheme.RSA_PSS_SHA256: _PSS, Scheme.ECDSA_SHA256: _ECDSA, Scheme.RSA_PKCS1_SHA256: _PKCS1}
_SCHEME_OF = {_PSS: Scheme.RSA_PSS_SHA256, _ECDSA: Scheme.ECDSA_SHA256, _PKCS1: Scheme.RSA_PKCS1_SHA256}
_SCHEME_OF[_RSA_PLAIN] = Scheme.RSA_PKCS1_SHA256


class WeakKey(Refused):
    """The key is shorter than the law allows, or of another kind."""

    slug = "weak-key"


def scheme_for(key: PublicKeyTypes, *, allow_pkcs1: bool = False) -> Scheme:
    """Choose the scheme for a key. Raises WeakKey for RSA < 2048, curves < 256 bits and other kinds."""
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < RSA_BITS_MINIMUM:
            raise WeakKey(
                f"Khóa RSA {key.key_size} bit: TT 15/2025/TT-BKHCN đòi ít nhất {RSA_BITS_MINIMUM} bit."
            )
        return Scheme.RSA_PKCS1_SHA256 if allow_pkcs1 else Scheme.RSA_PSS_SHA256
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.key_size < EC_BITS_MINIMUM:
            raise WeakKey(
                f"Đường cong {key.curve.name}: TT 15/2025/TT-BKHCN đòi ít nhất {EC_BITS_MINIMUM} bit."
            )
        return Scheme.ECDSA_SHA256
    raise WeakKey(f"Loại khóa {type(key).__name__} không được chấp nhận.")


def scheme_of(algorithm: bytes) -> Scheme | None:
    """Name the scheme of a DER AlgorithmIdentifier, None for one that we never accept."""
    return _SCHEME_OF.get(algorithm)


def holds(key: PublicKeyTypes, scheme: Scheme, signature: bytes, digest: bytes) -> bool:
    """Tell whether a signature value fits a SHA-256 digest and a public key."""
    try:
        if isinstance(key, rsa.RSAPublicKey) and scheme is not Scheme.ECDSA_SHA256:
            pss = scheme is Scheme.RSA_PSS_SHA256
            key.verify(signature, digest, PSS_PADDING if pss else padding.PKCS1v15(), PREHASHED)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and scheme is Scheme.ECDSA_SHA256:
            key.verify(signature, digest, ec.ECDSA(PREHASHED))
            return True
    except InvalidSignature:
        return False
    return False
