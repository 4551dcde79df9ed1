"""What a receipt shows."""

from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from kernel.clock import Instant
from kernel.money import PositiveVnd, Vnd

AUTOMATIC_BOOK = "TD"


class ReceiptKind(StrEnum):
    BILL = "BILL"
    """Phiếu thu viện phí."""
    DEPOSIT = "DEPOSIT"
    """Phiếu thu tạm ứng."""
    EXCESS = "EXCESS"
    """Phiếu ghi nhận tiền nộp thừa chờ hoàn: all of it waits to be given back."""

    REFUND = "REFUND"
    """Phiếu chi hoàn tiền: the only one by which money leaves."""


class Method(StrEnum):
    CASH = "CASH"
    """Tiền mặt."""
    TRANSFER = "TRANSFER"
    """Chuyển khoản, VietQR."""


KIND_WORDS = {
    ReceiptKind.BILL: "Phiếu thu viện phí",
    ReceiptKind.DEPOSIT: "Phiếu thu tạm ứng",
    ReceiptKind.EXCESS: "Phiếu ghi nhận nộp thừa",
    ReceiptKind.REFUND: "Phiếu chi hoàn tiền",
}
METHOD_WORDS = {Method.CASH: "Tiền mặt", Method.TRANSFER: "Chuyển khoản"}


class ReceiptView(Struct, frozen=True):
    """Money taken (phiếu thu). `amount` is all that came; `excess` the part of it waiting to be given back."""

    id: UUID
    number: str
    """Book and number as printed: "Q1-26-000123"; automatic receipts are in book TD."""
    book: str
    sequence: int
    kind: ReceiptKind
    method: Method
    episode_id: UUID
    patient_id: UUID
    request_id: UUID | None
    reference: str
    title: str
    amount: PositiveVnd
    excess: Vnd
    issued_at: Instant
    cashier_name: str
    """Empty on an automatic receipt."""
