"""How a refund moves, and whose account money may go back to."""

from enum import StrEnum

from kernel.text import fold


class RefundState(StrEnum):
    REQUESTED = "REQUESTED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    SENT = "SENT"
    CONFIRMED = "CONFIRMED"
    FAILED = "FAILED"


NEXT: dict[RefundState, frozenset[RefundState]] = {
    RefundState.REQUESTED: frozenset({RefundState.APPROVED, RefundState.REJECTED}),
    RefundState.APPROVED: frozenset({RefundState.SENT, RefundState.CONFIRMED}),
    RefundState.SENT: frozenset({RefundState.CONFIRMED, RefundState.FAILED}),
    RefundState.REJECTED: frozenset(),
    RefundState.CONFIRMED: frozenset(),
    RefundState.FAILED: frozenset(),
}
"""Cash is confirmed as it is handed over; a transfer is sent, then confirmed or failed by the bank."""

STATE_WORDS = {
    RefundState.REQUESTED: "Chờ duyệt",
    RefundState.APPROVED: "Đã duyệt, chờ chi",
    RefundState.REJECTED: "Không duyệt",
    RefundState.SENT: "Đã chuyển, chờ ngân hàng",
    RefundState.CONFIRMED: "Đã hoàn",
    RefundState.FAILED: "Chuyển không được",
}
RESERVES = (RefundState.REQUESTED, RefundState.APPROVED)
"""Money these will take, not yet out of the ledger."""


def may_move(old: RefundState, new: RefundState) -> bool:
    return new in NEXT[old]


def same_holder(holder: str, name: str) -> bool:
    """Tell whether a bank account's holder, written as banks do, is the person."""
    return fold(holder).split() == fold(name).split()
