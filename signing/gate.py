"""The gate before every signature, and the check after it. For files we wrote both are ours and take a fraction of a millisecond.

A file that was touched never collects another signature: its hash must be the stored one, every earlier signature must hold,
and the certificate must be in force, made for signing, trusted and this person's own (NĐ 23/2025 Đ15, TT 15/2025 Đ5).
"""

import hashlib
import re
import unicodedata
from collections import OrderedDict
from datetime import datetime

from cryptography import x509
from msgspec import Struct

from kernel.problems import Conflict, Forbidden, Refused
from kernel.text import fold
from signing.certificate_names import names_of
from signing.cms import SignedData, read_signed_data
from signing.der import BadDer
from signing.layout import Layout, Revision
from signing.schemes import WeakKey, scheme_for
from signing.timestamps import BadTimestamp, Timestamp, check_token
from signing.trust import TrustList

ACCEPTED_HASHES = frozenset(
    ["sha256", "sha384", "sha512", "sha512-224", "sha512-256", "sha3-224", "sha3-256", "sha3-384", "sha3-512"]
)
"""TT 15/2025/TT-BKHCN annex I; SHA-1 and SHA-224 are not among them."""
_BYTE_RANGE = re.compile(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\s*\]/Contents$")


class DocumentTampered(Conflict):
    """The bytes are not the ones that were prepared or signed."""

    slug = "document-tampered"


class SignatureBroken(Conflict):
    """A signature in the file does not hold."""

    slug = "signature-broken"


class CertificateExpired(Refused):
    slug = "certificate-expired"


class CertificateNotYetValid(Refused):
    slug = "certificate-not-yet-valid"


class CertificateRevoked(Refused):
    slug = "certificate-revoked"


class CertificateUntrusted(Refused):
    slug = "certificate-untrusted"


class CertificateUsage(Refused):
    slug = "certificate-usage"


class CertificateNotYours(Forbidden):
    slug = "certificate-not-yours"


class StatusUnreachable(Conflict):
    """Neither OCSP nor CRL answered and policy does not let signing go on."""

    slug = "status-unreachable"


class Owner(Struct, frozen=True):
    """Whose certificate it must be: the name and the 12-digit personal number, or the tax code of the organisation."""

    name: str
    personal_number: str | None = None
    tax_code: str | None = None


def check_bytes(pdf: bytes, head: str, layout: Layout) -> "hashlib._Hash":
    """Compare a file with its stored SHA-256 and return the hash, to go on from. Raises DocumentTampered."""
    whole = hashlib.sha256(pdf)
    if whole.hexdigest() != head or len(pdf) != layout.size:
        raise DocumentTampered(
            "Tài liệu đã bị thay đổi so với bản đã lưu nên không thể ký. Báo ngay cho quản trị hệ thống."
        )
    return whole


class SoundHeads:
    """Hashes of files whose signatures were all checked: integrity never changes, so it is remembered, in bounded number."""

    def __init__(self, kept: int = 4096) -> None:
        self._heads: OrderedDict[str, None] = OrderedDict()
        self._kept = kept

    def __contains__(self, head: str) -> bool:
        return head in self._heads

    def add(self, head: str) -> None:
        self._heads[head] = None
        if len(self._heads) > self._kept:
            self._heads.popitem(last=False)


def check_signatures(pdf: bytes, layout: Layout) -> list[SignedData]:
    """Check every signature of a file we wrote, in one pass over its bytes. Raises SignatureBroken."""
    if not layout.revisions:
        return []
    prefix = hashlib.sha256(pdf[: layout.revisions[0].start])
    found, at = [], layout.revisions[0].start
    for revision in layout.revisions:
        if revision.start != at:
            raise SignatureBroken("Có phần lạ giữa các chữ ký của tài liệu.")
        found.append(check_revision(pdf[revision.start : revision.end], revision, prefix))
        prefix.update(pdf[revision.start : revision.end])
        at = revision.end
    if at != len(pdf):
        raise SignatureBroken("Có phần lạ sau chữ ký cuối của tài liệu.")
    return found


def check_revision(
    revision: bytes,
    place: Revision,
    prefix: "hashlib._Hash",
    *,
    certificate: x509.Certificate | None = None,
) -> SignedData:
    """Check one signature: byte ranges, digest, CMS, and that this certificate made it. Raises SignatureBroken."""
    hole, after = place.hole_start - place.start, place.hole_end - place.start
    ranges = _BYTE_RANGE.search(revision, max(0, hole - 120), hole)
    expected = (place.hole_start, place.hole_end, place.end - place.hole_end)
    if ranges is None or tuple(int(number) for number in ranges.groups()) != expected:
        raise SignatureBroken("Vùng ký không bao trùm tài liệu.")
    whole = prefix.copy()
    whole.update(revision[:hole])
    whole.update(revision[after:])
    try:
        signed = read_signed_data(bytes.fromhex(revision[hole + 1 : after - 1].decode("ascii")))
    except (BadDer, ValueError) as error:
        raise SignatureBroken("Không đọc được chữ ký vừa đặt.") from error
    signer = signed.certificate()
    if signer is None or (certificate is not None and signer != certificate):
        raise SignatureBroken("Chữ ký không thuộc chứng thư của người ký.")
    if not signed.signed_by(signer, whole.digest()):
        raise SignatureBroken("Chữ ký không khớp nội dung tài liệu.")
    return signed


def check_stamp(signed: SignedData, trust: TrustList, *, now: datetime) -> Timestamp | None:
    """Check the timestamp inside a signature, if there is one. Raises SignatureBroken."""
    if signed.token is None:
        return None
    try:
        return check_token(signed.token, hashlib.sha256(signed.signature).digest(), trust, now=now)
    except (BadTimestamp, BadDer) as error:
        raise SignatureBroken("Dấu thời gian không khớp chữ ký.") from error


def check_certificate(
    certificate: x509.Certificate, owner: Owner, trust: TrustList, *, now: datetime
) -> tuple[x509.Certificate, ...]:
    """Let a certificate sign: in force, strong, for signing, trusted, and its owner's. Returns the path to the root.

    Raises CertificateExpired, CertificateNotYetValid, CertificateUsage, CertificateUntrusted, CertificateNotYours, WeakKey.
    """
    until = certificate.not_valid_after_utc
    if until < now:
        raise CertificateExpired(
            f"Chứng thư số đã hết hạn ngày {until:%d/%m/%Y}. Hãy gia hạn rồi ký lại, tài liệu vẫn chờ ký."
        )
    if certificate.not_valid_before_utc > now:
        raise CertificateNotYetValid(
            f"Chứng thư số chưa có hiệu lực, chỉ ký được từ ngày {certificate.not_valid_before_utc:%d/%m/%Y}."
        )
    check_strength(certificate)
    if not may_sign(certificate):
        raise CertificateUsage("Chứng thư số không được cấp để ký (thiếu mục đích ký số).")
    check_owner(certificate, owner)
    path = trust.path(certificate, at=now)
    if path is None:
        raise CertificateUntrusted("Chứng thư số không do tổ chức chứng thực được tin cậy cấp.")
    for link in path[1:-1]:
        check_strength(link)
    return path


def check_strength(certificate: x509.Certificate) -> None:
    """Refuse a weak key, and a certificate that was issued by SHA-1. A root's own signature proves nothing. Raises WeakKey."""
    scheme_for(certificate.public_key())
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None or algorithm.name not in ACCEPTED_HASHES:
        name = algorithm.name.upper() if algorithm else "không rõ"
        raise WeakKey(
            f"Chứng thư “{names_of(certificate).name}” được cấp bằng thuật toán băm {name}:"
            " TT 15/2025/TT-BKHCN đòi SHA-256 trở lên."
        )


def check_owner(certificate: x509.Certificate, owner: Owner) -> None:
    """Compare the certificate's subject with the staff record or the facility; both values are said. Raises CertificateNotYours.

    A name without any marks will do when the personal number is the same: some authorities write names so. Other
    marks are another name.
    """
    names = names_of(certificate)
    if owner.tax_code is not None:
        if names.tax_code != owner.tax_code:
            raise CertificateNotYours(
                f"Chứng thư của tổ chức có mã số thuế {names.tax_code or '(trống)'},"
                f" khác với cơ sở này ({owner.tax_code})."
            )
        return
    number, own_number = names.personal_number, owner.personal_number
    if own_number and number != own_number:
        raise CertificateNotYours(
            f"Số định danh trong chứng thư là {number or '(trống)'}, khác với hồ sơ nhân viên ({own_number})."
        )
    said = _folded(names.name)
    if said != _folded(owner.name) and not (own_number and said == fold(owner.name)):
        raise CertificateNotYours(
            f"Họ tên trong chứng thư là “{names.name}”, khác với hồ sơ nhân viên (“{owner.name}”)."
        )


def may_sign(certificate: x509.Certificate) -> bool:
    """Tell whether the key usage allows signatures."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        limits = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    return (usage.digital_signature or usage.content_commitment) and not limits.ca


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())
