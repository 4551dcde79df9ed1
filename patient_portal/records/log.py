"""Who looked at my record: the audit log in words a patient understands (NĐ 356/2025 Đ5)."""

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, AuditView, entries_of_patient
from kernel.clock import Instant
from kernel.staff.api import SYSTEM
from patient_portal.accounts.service import Patient

ACTION_WORDS = {
    Action.VIEW: "xem",
    Action.CREATE: "ghi mới",
    Action.CHANGE: "sửa",
    Action.VOID: "huỷ",
    Action.PRINT: "in",
    Action.EXPORT: "tải về",
    Action.SIGN: "ký",
    Action.SHARE: "chia sẻ",
    Action.LOGIN: "đăng nhập",
    Action.LOGOUT: "đăng xuất",
    Action.FAILURE: "bị từ chối",
}
# The longest beginning that fits wins.
SUBJECT_WORDS = {
    "emr.patient": "thông tin cá nhân",
    "emr.visit": "lượt khám",
    "emr.sheet": "phiếu trong hồ sơ",
    "emr.order": "chỉ định",
    "emr.result": "kết quả",
    "emr.stay": "đợt nằm viện",
    "emr.vitals": "dấu hiệu sinh tồn",
    "emr.emergency_access": "mở khẩn hồ sơ",
    "emr.prescription": "đơn thuốc",
    "emr": "hồ sơ",
    "signing": "văn bản đã lập",
    "billing.receipt": "phiếu thu",
    "billing.bill": "bảng kê chi phí",
    "billing.invoice": "hoá đơn",
    "billing.refund": "hoàn tiền",
    "billing.request": "yêu cầu thanh toán",
    "billing": "viện phí",
    "portal.account": "cổng người bệnh",
    "portal.booking": "lịch hẹn khám",
    "portal.telehealth": "yêu cầu khám từ xa",
    "portal.consent": "đồng ý xử lý dữ liệu",
    "portal.document": "văn bản",
    "portal": "cổng người bệnh",
    "kiosk": "đăng ký tại máy ở sảnh",
}


class Look(Struct, frozen=True):
    """One line of the log."""

    id: int
    at: Instant
    who: str
    where: str
    """Department code, empty for the patient and for machines."""
    did: str
    reason: str
    mine: bool
    times: int = 1
    """How often in a row."""


def subject_words(subject: str) -> str:
    """Return what a subject such as "emr.visit:0199…" is called at home."""
    kind = subject.partition(":")[0]
    while kind:
        if kind in SUBJECT_WORDS:
            return SUBJECT_WORDS[kind]
        kind = kind.rpartition(".")[0]
    return "hồ sơ"


def look_of(row: AuditView, patient: Patient) -> Look:
    mine = row.actor_id in (patient.account_id, patient.patient_id)
    return Look(
        id=row.id,
        at=row.at,
        who="Quý vị" if mine else row.actor_name or "Hệ thống",
        where="" if mine else row.department,
        did=f"{'bị từ chối mở' if 'refused' in row.detail else ACTION_WORDS[row.action]} {subject_words(row.subject)}",
        reason=row.reason or "",
        mine=mine,
    )


def folded(looks: list[Look]) -> list[Look]:
    """Tell the same thing done again and again in one line, at its latest time."""
    lines: list[Look] = []
    for look in looks:
        last = lines[-1] if lines else None
        if last and (last.who, last.did, last.reason) == (look.who, look.did, look.reason):
            lines[-1] = replace(last, times=last.times + 1)
        else:
            lines.append(look)
    return lines


async def page_of_looks(
    session: AsyncSession, patient: Patient, *, before: int | None = None, limit: int = 100
) -> tuple[list[Look], int | None]:
    """Return who did what to this patient's record, the latest first, and where the page before begins.

    What our own jobs did is left out: the question is who looked.
    """
    rows = await entries_of_patient(session, patient.patient_id, before=before, limit=limit)
    found = [look_of(row, patient) for row in rows if row.actor_id != SYSTEM.id]
    return folded(found), rows[-1].id if len(rows) == limit else None


async def looks(session: AsyncSession, patient: Patient, *, before: int | None = None) -> list[Look]:
    found, _ = await page_of_looks(session, patient, before=before)
    return found
