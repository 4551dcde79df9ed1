"""States of a payment request and how money moves them."""

from enum import StrEnum

from msgspec import Struct

from kernel.money import Vnd


class RequestKind(StrEnum):
    BILL = "BILL"
    """Viện phí."""
    DEPOSIT = "DEPOSIT"
    """Tạm ứng."""


class RequestState(StrEnum):
    PENDING = "PENDING"
    PAID = "PAID"
    UNDERPAID = "UNDERPAID"
    OVERPAID = "OVERPAID"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


STATE_WORDS = {
    RequestState.PENDING: "Chờ thu",
    RequestState.PAID: "Đã thu",
    RequestState.UNDERPAID: "Thu thiếu",
    RequestState.OVERPAID: "Nộp thừa",
    RequestState.EXPIRED: "QR hết hạn",
    RequestState.CANCELLED: "Huỷ",
}

_MONEY = frozenset({RequestState.PAID, RequestState.UNDERPAID, RequestState.OVERPAID})

# An old code stays payable for ever: money that comes late still moves the request it names.
NEXT: dict[RequestState, frozenset[RequestState]] = {
    RequestState.PENDING: _MONEY | {RequestState.EXPIRED, RequestState.CANCELLED},
    RequestState.EXPIRED: _MONEY | {RequestState.CANCELLED},
    RequestState.CANCELLED: _MONEY,
    RequestState.UNDERPAID: _MONEY,
    RequestState.PAID: frozenset({RequestState.OVERPAID}),
    RequestState.OVERPAID: frozenset({RequestState.OVERPAID}),
}


def may_move(old: RequestState, new: RequestState) -> bool:
    """Say whether a request may go from one state to another."""
    return new in NEXT[old]


class Split(Struct, frozen=True):
    """How one transfer is used: what pays the request, what waits to be given back (nộp thừa chờ hoàn)."""

    to_request: Vnd
    excess: Vnd
    state: RequestState


def split_money(received: int, *, asked: int, paid: int, owed: int) -> Split:
    """Share a transfer between its request and the excess. All in đồng.

    `paid` is what reached this request before, `owed` what the bill still lacks now: whatever became of the
    request meanwhile, it takes at most what is owed and never more than it asked for.
    """
    assert received > 0, "only money in is split"
    open_part = max(0, min(asked - paid, owed))
    to_request = min(received, open_part)
    excess = received - to_request
    if excess:
        return Split(to_request, excess, RequestState.OVERPAID)
    done = paid + to_request >= asked or to_request >= owed
    return Split(to_request, 0, RequestState.PAID if done else RequestState.UNDERPAID)
