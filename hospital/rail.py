"""The places staff go to, by role: the rail left of every page."""

from kernel.staff.api import Role
from kernel.web.setup import RailItem

RAIL = (
    RailItem("/workbench", "Khám", "stethoscope", frozenset({Role.DOCTOR})),
    RailItem("/reception", "Tiếp đón", "user-plus", frozenset({Role.RECEPTION, Role.NURSE})),
    RailItem(
        "/patients", "Người bệnh", "users", frozenset({Role.RECEPTION, Role.DOCTOR, Role.NURSE, Role.HEAD})
    ),
    RailItem(
        "/sign",
        "Ký",
        "signature",
        frozenset({Role.DOCTOR, Role.NURSE, Role.HEAD, Role.DIRECTOR, Role.LAB}),
        badge="/sign/count",
    ),
    RailItem("/results", "Kết quả", "test-tube", frozenset({Role.LAB, Role.DOCTOR})),
    RailItem("/till", "Thu tiền", "wallet", frozenset({Role.CASHIER, Role.ACCOUNTANT})),
    RailItem("/invoices", "Hoá đơn", "receipt-text", frozenset({Role.ACCOUNTANT})),
    RailItem("/telehealth", "Khám từ xa", "video", frozenset({Role.DOCTOR, Role.RECEPTION, Role.HEAD})),
    RailItem("/devices", "Máy ở sảnh", "monitor", frozenset({Role.ADMIN})),
    RailItem("/admin/jobs", "Việc nền", "list-checks", frozenset({Role.ADMIN}), badge="/admin/jobs/badge"),
)
"""Each package's pages; a place is named here when its page exists."""
