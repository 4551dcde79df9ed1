"""How a ticket moves. Pure."""

from datetime import timedelta
from enum import StrEnum

CARRIED = timedelta(hours=12)
"""Who took a number before midnight is still waited for so long after it was given."""
UNFINISHED = timedelta(days=7)
"""An exam begun and not ended stays on its room's list so long."""


class TicketState(StrEnum):
    WAITING = "WAITING"
    CALLED = "CALLED"
    SERVING = "SERVING"
    DONE = "DONE"
    MISSED = "MISSED"
    """Gọi không có mặt; may come back to the queue."""
    CANCELLED = "CANCELLED"


NEXT: dict[TicketState, frozenset[TicketState]] = {
    TicketState.WAITING: frozenset({TicketState.CALLED, TicketState.SERVING, TicketState.CANCELLED}),
    TicketState.CALLED: frozenset({TicketState.SERVING, TicketState.MISSED, TicketState.CANCELLED}),
    TicketState.SERVING: frozenset({TicketState.DONE}),
    TicketState.MISSED: frozenset({TicketState.WAITING, TicketState.CALLED, TicketState.CANCELLED}),
    TicketState.DONE: frozenset(),
    TicketState.CANCELLED: frozenset(),
}

STATE_WORDS = {
    TicketState.WAITING: "Chờ gọi",
    TicketState.CALLED: "Đã gọi",
    TicketState.SERVING: "Đang khám",
    TicketState.DONE: "Đã khám",
    TicketState.MISSED: "Vắng mặt",
    TicketState.CANCELLED: "Đã hủy",
}


def may_move(old: TicketState, new: TicketState) -> bool:
    return new in NEXT[old]
