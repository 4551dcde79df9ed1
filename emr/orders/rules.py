"""When an order may be carried out, and how it moves. Pure."""

from decimal import Decimal, InvalidOperation
from enum import StrEnum

from emr.episodes.rules import Payer, Setting


class Priority(StrEnum):
    """Mức độ chỉ định."""

    ROUTINE = "ROUTINE"
    URGENT = "URGENT"
    EMERGENCY = "EMERGENCY"


class ReleasedBy(StrEnum):
    """Why an order may be carried out."""

    RULE = "RULE"
    PAYMENT = "PAYMENT"
    CREDIT = "CREDIT"
    """Cho nợ, granted by the leader on duty (trực lãnh đạo)."""


class OrderState(StrEnum):
    HELD = "HELD"
    """Chờ thu tiền."""
    RELEASED = "RELEASED"
    """Được thực hiện."""
    DOING = "DOING"
    REPORTED = "REPORTED"
    """Có kết quả, chưa duyệt."""
    DONE = "DONE"
    VOIDED = "VOIDED"


NEXT: dict[OrderState, frozenset[OrderState]] = {
    OrderState.HELD: frozenset({OrderState.RELEASED, OrderState.VOIDED}),
    OrderState.RELEASED: frozenset({OrderState.DOING, OrderState.VOIDED}),
    OrderState.DOING: frozenset({OrderState.REPORTED, OrderState.DONE}),
    OrderState.REPORTED: frozenset({OrderState.DONE}),
    OrderState.DONE: frozenset({OrderState.REPORTED}),
    OrderState.VOIDED: frozenset(),
}

STATE_WORDS = {
    OrderState.HELD: "Chờ thu tiền",
    OrderState.RELEASED: "Chờ thực hiện",
    OrderState.DOING: "Đang thực hiện",
    OrderState.REPORTED: "Chưa duyệt",
    OrderState.DONE: "Đã xong",
    OrderState.VOIDED: "Đã hủy",
}


UNDONE = frozenset({OrderState.HELD, OrderState.RELEASED})
"""Nothing has been done yet: may be voided, and must be decided on before a visit ends."""


def may_move(old: OrderState, new: OrderState) -> bool:
    return new in NEXT[old]


def released_at_once(
    *,
    payer: Payer,
    setting: Setting,
    priority: Priority,
    in_scope: bool,
    on_demand: bool,
    credit: bool = False,
) -> ReleasedBy | None:
    """Why a new order needs no payment first; None when it waits for the till.

    Emergency and "cho nợ" never wait; inpatient goes at once, against tạm ứng; outpatient BHYT at once
    except lines outside the fund's scope and on-demand lines; everyone else pays first, the exam fee too.
    """
    if Setting.EMERGENCY in (setting, priority) or setting is Setting.INPATIENT:
        return ReleasedBy.RULE
    if payer is Payer.BHYT and in_scope and not on_demand:
        return ReleasedBy.RULE
    return ReleasedBy.CREDIT if credit else None


def measured(text: str) -> Decimal | None:
    """Read a measured number as a laboratory writes it, "5,4" or "5.4"; None if it is none."""
    try:
        number = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def abnormal(value: str | None, *, low: str | None, high: str | None) -> str:
    """Return "H" above the reference range, "L" below it, else an empty text."""
    number = measured(value) if value else None
    if number is None:
        return ""
    if high and number > Decimal(high):
        return "H"
    return "L" if low and number < Decimal(low) else ""
