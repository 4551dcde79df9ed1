"""What a verification says (TT 15/2025/TT-BKHCN Điều 6): issuing CA, signer, time, integrity, status, changes."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from kernel.clock import Instant, local
from signing.people.bundle import Told
from signing.schemes import Scheme
from signing.status import Standing

TEXT_STANDING = {
    Standing.GOOD: "Còn hiệu lực, không bị thu hồi",
    Standing.REVOKED: "Đã bị thu hồi",
    Standing.UNKNOWN: "Tổ chức chứng thực không biết chứng thư này",
    Standing.UNREACHABLE: "Chưa kiểm tra được trạng thái thu hồi",
}


class Level(StrEnum):
    """PAdES baseline level (ETSI EN 319 142-1)."""

    B_B = "B-B"
    B_T = "B-T"
    B_LT = "B-LT"
    B_LTA = "B-LTA"


class SignatureReport(Struct, frozen=True):
    """One signature. `valid` is the only verdict; everything else explains it."""

    field: str
    valid: bool
    reasons: tuple[str, ...]
    """Why it is not valid; empty when it is."""
    warnings: tuple[str, ...]
    signer: str
    title: str
    uid: str
    organisation: str
    issuer: str
    """Issuing CA (tổ chức cấp chứng thư)."""
    serial: str
    valid_from: Instant | None
    valid_to: Instant | None
    claimed_at: Instant | None
    stamped_at: Instant | None
    stamped_by: str
    intact: bool
    standing: Standing
    scheme: Scheme | None
    level: Level | None
    last: bool
    """Nothing was appended to the file after this signature."""
    changes: str
    """What happened to the file after this signature, in words."""
    person: Told | None = None
    """For whom the hospital sealed, when this is no signature of its own: patient, representative, witnesses."""
    reason: str = ""
    """What the signer wrote under the signature: for whom, as "KT. Trưởng khoa …", "TL. Giám đốc …" (NĐ 23/2025 Đ14)."""

    @property
    def verdict(self) -> str:
        return "Hợp lệ" if self.valid else "Không hợp lệ"

    @property
    def status_text(self) -> str:
        return TEXT_STANDING[self.standing]


class Report(Struct, frozen=True):
    """The verdict on a file: valid only if it is signed and every signature is valid."""

    kind: str
    sha256: str
    size: int
    valid: bool
    summary: str
    signatures: tuple[SignatureReport, ...]
    warnings: tuple[str, ...]
    demo: bool
    checked_at: Instant


def summarise(signatures: tuple[SignatureReport, ...]) -> str:
    """Say the verdict in one sentence."""
    if not signatures:
        return "Tệp không có chữ ký số."
    bad = [s for s in signatures if not s.valid]
    if not bad:
        return (
            "Hợp lệ: chữ ký số đúng và tài liệu còn nguyên vẹn."
            if len(signatures) == 1
            else (f"Hợp lệ: cả {len(signatures)} chữ ký số đều đúng và tài liệu còn nguyên vẹn.")
        )
    names = ", ".join(s.signer or s.field for s in bad)
    return f"Không hợp lệ: {len(bad)}/{len(signatures)} chữ ký không được chấp nhận ({names})."


def clock(moment: datetime) -> str:
    """Write a moment of signing with seconds: "21/11/2026 14:05:06"."""
    return f"{local(moment):%d/%m/%Y %H:%M:%S}"
