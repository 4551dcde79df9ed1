"""What the judge's findings are called in Vietnamese."""

from datetime import datetime

from cryptography import x509
from pyhanko.sign.ades.report import AdESIndeterminate
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import EmbeddedPdfSignature, PdfSignatureStatus
from pyhanko.sign.validation.status import SignatureCoverageLevel

from signing.cms import SignedData
from signing.schemes import Scheme, WeakKey, scheme_for
from signing.status import Standing
from signing.verification.report import Level, SignatureReport

_CHANGES = {
    ModificationLevel.NONE: "Không thay đổi",
    ModificationLevel.LTA_UPDATES: "Chỉ thêm dữ liệu lưu trữ dài hạn",
    ModificationLevel.FORM_FILLING: "Chỉ thêm chữ ký của người ký sau",
    ModificationLevel.ANNOTATIONS: "Có thêm chú thích sau khi ký",
    ModificationLevel.OTHER: "NỘI DUNG BỊ THAY ĐỔI SAU KHI KÝ",
}


def algorithms(
    status: PdfSignatureStatus, own: SignedData | None, certificate: x509.Certificate
) -> tuple[Scheme | None, list[str], list[str]]:
    """Hold the algorithms against TT 15/2025 annex I; PKCS#1 v1.5 is told, not refused."""
    scheme = own.scheme if own else None
    refusals, warnings = [], []
    try:
        scheme_for(certificate.public_key())
    except WeakKey as error:
        refusals.append(error.detail)
    if status.md_algorithm in ("md5", "sha1", "sha224"):
        refusals.append(f"Hàm băm {status.md_algorithm.upper()} không được chấp nhận.")
    if (scheme is not None and scheme.is_pkcs1) or "rsassa_pkcs1v15" in status.pkcs7_signature_mechanism:
        warnings.append("Chữ ký RSA PKCS#1 v1.5, không phải RSASSA-PSS như TT 15/2025 yêu cầu.")
    return scheme, refusals, warnings


def reasons_of(
    status: PdfSignatureStatus,
    certificate: x509.Certificate,
    at: datetime,
    refusals: list[str],
    *,
    trusted: bool,
) -> tuple[str, ...]:
    """Say why the bottom line is no, most telling first."""
    reasons = [
        _content_reason(status),
        _certificate_reason(status, certificate, at, trusted=trusted),
        _stamp_reason(status),
        "Chữ ký trái ràng buộc của trường ký." if status.seed_value_constraint_error else "",
        *refusals,
    ]
    return tuple(reason for reason in reasons if reason) or ("Chữ ký không đạt kiểm tra tổng thể.",)


def _content_reason(status: PdfSignatureStatus) -> str:
    changed = status.modification_level is not None and not status.docmdp_ok
    if not (status.intact and status.valid):
        return "Nội dung đã bị thay đổi hoặc chữ ký không khớp nội dung."
    if changed or status.modification_level is ModificationLevel.OTHER:
        return "Tài liệu bị sửa thêm sau khi ký."
    if status.coverage < SignatureCoverageLevel.ENTIRE_REVISION:
        return "Chữ ký không bao trùm toàn bộ tài liệu."
    return ""


def _certificate_reason(
    status: PdfSignatureStatus, certificate: x509.Certificate, at: datetime, *, trusted: bool
) -> str:
    if certificate.not_valid_after_utc < at:
        return "Chứng thư số đã hết hạn tại thời điểm ký."
    if certificate.not_valid_before_utc > at:
        return "Chứng thư số chưa có hiệu lực tại thời điểm ký."
    if not trusted or status.trust_problem_indic is AdESIndeterminate.NO_CERTIFICATE_CHAIN_FOUND:
        return "Chứng thư số không do tổ chức được tin cậy cấp."
    if status.trust_problem_indic is not None:
        return "Chứng thư số không đủ điều kiện để ký (mục đích sử dụng hoặc đường dẫn tin cậy)."
    return ""


def _stamp_reason(status: PdfSignatureStatus) -> str:
    stamp = status.timestamp_validity
    fails = stamp is not None and not (stamp.valid and stamp.intact and stamp.trusted)
    return "Dấu thời gian không hợp lệ." if fails else ""


def changes_of(status: PdfSignatureStatus) -> str:
    if status.coverage is SignatureCoverageLevel.ENTIRE_FILE:
        return "Không thay đổi"
    if status.modification_level is None:
        return "Không xác định được"
    return _CHANGES[status.modification_level]


def level_of(*, stamp_holds: bool, archived: bool, renewed: bool) -> Level:
    if not stamp_holds:
        return Level.B_B
    if not archived:
        return Level.B_T
    return Level.B_LTA if renewed else Level.B_LT


def unreadable(field: str, reason: str = "Chữ ký hỏng hoặc không theo chuẩn PAdES.") -> SignatureReport:
    return SignatureReport(
        field=field,
        valid=False,
        reasons=(reason,),
        warnings=(),
        signer="",
        title="",
        uid="",
        organisation="",
        issuer="",
        serial="",
        valid_from=None,
        valid_to=None,
        claimed_at=None,
        stamped_at=None,
        stamped_by="",
        intact=False,
        standing=Standing.UNREACHABLE,
        scheme=None,
        level=None,
        last=False,
        changes="Không xác định được",
    )


def reason_of(signature: EmbeddedPdfSignature) -> str:
    """Return the /Reason under a signature, on one line and no longer than a page is ready to show."""
    value = signature.sig_object.get("/Reason", "")
    return " ".join(str(value).split())[:200] if isinstance(value, str) else ""
