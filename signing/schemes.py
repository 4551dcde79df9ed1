"""Signature schemes: what TT 15/2025/TT-BKHCN annex I accepts, and PKCS#1 v1.5 which it does not."""

from enum import StrEnum
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from kernel.problems import Refused
from signing.der import INTEGER, NULL, SEQUENCE, BadDer, children, expect, integer, oid, tlv

RSA_BITS_MINIMUM = 2048
EC_BITS_MINIMUM = 256
SALT_BYTES = 32

SHA256 = tlv(0x30, oid("2.16.840.1.101.3.4.2.1"), tlv(NULL))
SHA256_BARE = tlv(0x30, oid("2.16.840.1.101.3.4.2.1"))
_MGF1_OID = oid("1.2.840.113549.1.1.8")
_PSS_OID = oid("1.2.840.113549.1.1.10")
_RSA_PLAIN = oid("1.2.840.113549.1.1.1")
_PSS = tlv(
    0x30,
    _PSS_OID,
    tlv(0x30, tlv(0xA0, SHA256), tlv(0xA1, tlv(0x30, _MGF1_OID, SHA256)), tlv(0xA2, integer(SALT_BYTES))),
)
_ECDSA = tlv(0x30, oid("1.2.840.10045.4.3.2"))
_PKCS1 = tlv(0x30, oid("1.2.840.113549.1.1.11"), tlv(NULL))

PSS_PADDING = padding.PSS(padding.MGF1(hashes.SHA256()), SALT_BYTES)
PREHASHED = utils.Prehashed(hashes.SHA256())
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
"""What we believe when others sign; we ourselves use SHA-256."""
_HASH_OF = {
    oid("2.16.840.1.101.3.4.2.1"): "sha256",
    oid("2.16.840.1.101.3.4.2.2"): "sha384",
    oid("2.16.840.1.101.3.4.2.3"): "sha512",
}


class Scheme(StrEnum):
    """How a signature value is made; recorded with each signature as evidence. We make those with SHA-256."""

    RSA_PSS_SHA256 = "RSA_PSS_SHA256"
    ECDSA_SHA256 = "ECDSA_SHA256"
    RSA_PKCS1_SHA256 = "RSA_PKCS1_SHA256"  # Outside TT 15/2025: only by a flag, and always reported.
    RSA_PSS_SHA384 = "RSA_PSS_SHA384"
    RSA_PSS_SHA512 = "RSA_PSS_SHA512"
    ECDSA_SHA384 = "ECDSA_SHA384"
    ECDSA_SHA512 = "ECDSA_SHA512"
    RSA_PKCS1_SHA384 = "RSA_PKCS1_SHA384"
    RSA_PKCS1_SHA512 = "RSA_PKCS1_SHA512"

    @property
    def hash(self) -> hashes.HashAlgorithm:
        """The hash under the signature."""
        return HASHES[self.rpartition("_")[2].lower()]

    @property
    def for_xml(self) -> "Scheme":
        """What a key that signs PDF files so signs XML with: the tax office's format names rsa-sha256 (PKCS#1 v1.5)."""
        return self if self.startswith("ECDSA") else Scheme.RSA_PKCS1_SHA256

    @property
    def is_pkcs1(self) -> bool:
        """PKCS#1 v1.5, which TT 15/2025 does not list."""
        return self.startswith("RSA_PKCS1")


ALGORITHM = {Scheme.RSA_PSS_SHA256: _PSS, Scheme.ECDSA_SHA256: _ECDSA, Scheme.RSA_PKCS1_SHA256: _PKCS1}
_SCHEME_OF = {
    oid("1.2.840.10045.4.3.2"): Scheme.ECDSA_SHA256,
    oid("1.2.840.10045.4.3.3"): Scheme.ECDSA_SHA384,
    oid("1.2.840.10045.4.3.4"): Scheme.ECDSA_SHA512,
    oid("1.2.840.113549.1.1.11"): Scheme.RSA_PKCS1_SHA256,
    oid("1.2.840.113549.1.1.12"): Scheme.RSA_PKCS1_SHA384,
    oid("1.2.840.113549.1.1.13"): Scheme.RSA_PKCS1_SHA512,
}


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


def hash_of(algorithm: bytes) -> str | None:
    """Name the hash of a DER AlgorithmIdentifier, with or without its NULL; None for one that we never accept."""
    try:
        start, end = expect(algorithm, 0, SEQUENCE)
        named = next(children(algorithm, start, end))
    except (BadDer, StopIteration):
        return None
    return _HASH_OF.get(algorithm[named[1] : named[3]])


@lru_cache(maxsize=256)
def scheme_of(algorithm: bytes, digest: str = "sha256") -> Scheme | None:
    """Name the scheme of a DER AlgorithmIdentifier, None for one that we never accept.

    `digest`: the signer's digest algorithm, which plain rsaEncryption leaves unsaid.
    """
    try:
        start, end = expect(algorithm, 0, SEQUENCE)
        members = list(children(algorithm, start, end))
        named = algorithm[members[0][1] : members[0][3]]
        if named == _PSS_OID:
            return _pss_scheme(algorithm, members[1][2], members[1][3])
    except (BadDer, IndexError):
        return None
    if named == _RSA_PLAIN:
        return Scheme(f"RSA_PKCS1_{digest.upper()}")
    return _SCHEME_OF.get(named)


def _pss_scheme(data: bytes, start: int, end: int) -> Scheme | None:
    """Read RSASSA-PSS-params: hash and MGF1 with the same accepted hash, a salt at least as long. Raises BadDer."""
    parts = {tag: data[inner:stop] for tag, _, inner, stop in children(data, start, end)}
    name = hash_of(parts.get(0xA0, b""))
    masked = parts.get(0xA1, b"")
    inner = list(children(masked, *expect(masked, 0, SEQUENCE)))
    if name is None or len(inner) != 2 or masked[inner[0][1] : inner[0][3]] != _MGF1_OID:
        return None
    salt = parts.get(0xA2, b"")
    size = int.from_bytes(salt[slice(*expect(salt, 0, INTEGER))])
    if hash_of(masked[inner[1][1] : inner[1][3]]) != name or size < HASHES[name].digest_size:
        return None
    return Scheme(f"RSA_PSS_{name.upper()}")


def side_by_side(value: bytes, key: PublicKeyTypes) -> bytes:
    """Return a value as XML-DSig wants it: r and s of ECDSA in the curve's own length (RFC 4050), RSA as it is."""
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return value
    size = (key.key_size + 7) // 8
    return b"".join(number.to_bytes(size) for number in utils.decode_dss_signature(value))


def to_der(value: bytes) -> bytes:
    """Write r and s side by side, as tokens and XML have them, the way CMS wants them."""
    half = len(value) // 2
    return utils.encode_dss_signature(int.from_bytes(value[:half]), int.from_bytes(value[half:]))


def holds(key: PublicKeyTypes, scheme: Scheme, signature: bytes, digest: bytes) -> bool:
    """Tell whether a signature value fits a digest, made by the scheme's hash, and a public key."""
    prehashed = utils.Prehashed(scheme.hash)
    try:
        if isinstance(key, rsa.RSAPublicKey) and scheme.startswith("RSA"):
            pss = padding.PSS(padding.MGF1(scheme.hash), padding.PSS.AUTO)
            key.verify(signature, digest, padding.PKCS1v15() if scheme.is_pkcs1 else pss, prehashed)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and scheme.startswith("ECDSA"):
            key.verify(signature, digest, ec.ECDSA(prehashed))
            return True
    except (InvalidSignature, ValueError):
        return False
    return False
