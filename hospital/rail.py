"""The places staff go to, by role: the rail left of every page."""

from kernel.staff.api import Role
from kernel.web.setup import RailItem

RECORDS = frozenset({Role.ARCHIVIST, Role.INSURANCE, Role.PHARMACIST})
"""They keep, examine or dispense by the record."""
CLINICAL = frozenset({Role.RECEPTION, Role.DOCTOR, Role.NURSE, Role.HEAD, Role.DIRECTOR})
SIGNERS = frozenset({Role.DOCTOR, Role.NURSE, Role.HEAD, Role.DIRECTOR, Role.LAB}) | RECORDS
BEDSIDE = frozenset({Role.DOCTOR, Role.NURSE, Role.RECEPTION, Role.HEAD, Role.DIRECTOR})

RAIL = (
    RailItem("/workbench", "Khám", "stethoscope", frozenset({Role.DOCTOR})),
    RailItem("/reception", "Tiếp đón", "user-plus", frozenset({Role.RECEPTION, Role.NURSE})),
    RailItem("/triage", "Sinh tồn", "heart-pulse", frozenset({Role.NURSE})),
    RailItem("/till", "Thu tiền", "wallet", frozenset({Role.CASHIER, Role.ACCOUNTANT})),
    RailItem(
        "/till/refunds",
        "Hoàn tiền",
        "undo-2",
        frozenset({Role.CASHIER, Role.ACCOUNTANT, Role.HEAD, Role.DIRECTOR}),
    ),
    RailItem("/invoices", "Hoá đơn", "receipt-text", frozenset({Role.ACCOUNTANT})),
    RailItem("/orders", "Thực hiện", "test-tube", frozenset({Role.LAB, Role.NURSE})),
    RailItem("/stays", "Nội trú", "bed", frozenset({Role.NURSE, Role.DOCTOR, Role.HEAD})),
    RailItem("/patients", "Người bệnh", "users", CLINICAL | RECORDS),
    RailItem("/sign", "Ký", "signature", SIGNERS, badge="/sign/count"),
    RailItem("/consents", "Cam kết", "fingerprint", BEDSIDE),
    RailItem("/credits", "Cho nợ", "hand-coins", frozenset({Role.DIRECTOR, Role.HEAD})),
    RailItem("/emergency-access", "Mở khẩn", "shield-alert", frozenset({Role.DIRECTOR})),
    RailItem("/telehealth", "Khám từ xa", "video", frozenset({Role.DOCTOR, Role.RECEPTION, Role.HEAD})),
    RailItem("/schedules", "Lịch hẹn", "calendar-clock", frozenset({Role.HEAD, Role.ADMIN})),
    RailItem("/duty", "Lịch trực", "moon", frozenset({Role.HEAD, Role.DIRECTOR})),
    RailItem("/devices", "Máy ở sảnh", "monitor", frozenset({Role.ADMIN})),
    RailItem(
        "/admin/certificates",
        "Chứng thư",
        "shield-check",
        frozenset({Role.ADMIN}),
        badge="/admin/certificates/badge",
    ),
    RailItem("/admin/jobs", "Việc nền", "list-checks", frozenset({Role.ADMIN}), badge="/admin/jobs/badge"),
)
"""Each package's pages in the order of a day's work; a place shows once its page exists."""
