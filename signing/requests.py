"""Certificate requests (PKCS#10, RFC 2986): whose they are, and that who asks holds the key. No key is kept here."""

import unicodedata
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from kernel.problems import Refused
from signing.der import SEQUENCE, integer, tlv
from signing.gate import Owner
from signing.keys import PrivateKey
from signing.schemes import ALGORITHM, Scheme, scheme_for
from signing.settings import NumberPlace

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


class Algorithm(StrEnum):
    """Keys that are made here: what TT 15/2025/TT-BKHCN accepts and authorities certify."""

    RSA_2048 = "RSA_2048"
    RSA_3072 = "RSA_3072"
    EC_P256 = "EC_P256"


ALGORITHM_WORDS = {
    Algorithm.RSA_2048: "RSA 2048 bit (nơi cấp nào cũng nhận)",
    Algorithm.RSA_3072: "RSA 3072 bit",
    Algorithm.EC_P256: "ECDSA P-256",
}
RSA_BITS = {Algorithm.RSA_2048: 2048, Algorithm.RSA_3072: 3072}


class NumberMissing(Refused):
    """The staff record has no personal number, or the facility no tax code: nothing would bind the certificate to its owner."""

    slug = "number-missing"


def subject_of(owner: Owner, *, organisation: str, title: str, place: NumberPlace) -> x509.Name:
    """Write the subject as Vietnamese authorities do; the number goes where the setting says. Raises NumberMissing."""
    if owner.tax_code is not None:
        number = f"MST:{owner.tax_code}"
    elif owner.personal_number:
        number = f"CCCD:{owner.personal_number}"
    else:
        raise NumberMissing(
            "Hồ sơ nhân viên chưa có số định danh cá nhân. Hãy bổ sung trước khi xin cấp chứng thư.",
            field="staff",
        )
    parts = [
        (NameOID.COUNTRY_NAME, "VN"),
        (NameOID.ORGANIZATION_NAME, organisation),
        (NameOID.TITLE, title),
        (NameOID.COMMON_NAME, owner.name),
    ]
    if place in (NumberPlace.UID, NumberPlace.BOTH):
        parts.append((NameOID.USER_ID, number))
    if place in (NumberPlace.SERIAL_NUMBER, NumberPlace.BOTH):
        parts.append((NameOID.SERIAL_NUMBER, number))
    return x509.Name(
        [x509.NameAttribute(kind, unicodedata.normalize("NFC", text)) for kind, text in parts if text]
    )


def software_key(algorithm: Algorithm) -> PrivateKey:
    """Make a key in memory; RSA takes a moment."""
    if algorithm is Algorithm.EC_P256:
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, RSA_BITS[algorithm])


def software_request(key: PrivateKey, subject: x509.Name) -> bytes:
    """Return the DER of a request that a key in memory signs."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def request_info(key: PublicKey, subject: x509.Name) -> bytes:
    """Return the part of a request that is signed (CertificationRequestInfo), for a key that only its device reaches."""
    public = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return tlv(SEQUENCE, integer(0), subject.public_bytes(), public, tlv(0xA0))


def request_scheme(key: PublicKey) -> Scheme:
    """Requests are signed with PKCS#1 v1.5 where the key is RSA: every authority reads it, and it signs no document."""
    return scheme_for(key, allow_pkcs1=True)


def assembled(info: bytes, scheme: Scheme, value: bytes) -> bytes:
    """Put a request together from what was signed and the value."""
    return tlv(SEQUENCE, info, ALGORITHM[scheme], tlv(0x03, b"\0" + value))


def public_der(key: PublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
