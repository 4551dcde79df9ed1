"""States of a sitting: one approval over some documents by a key that is not here."""

from datetime import datetime
from enum import StrEnum

from kernel.problems import Conflict


class SittingState(StrEnum):
    """Where a sitting (phiên ký từ xa) stands."""

    PREPARED = "PREPARED"
    WAITING = "WAITING"
    SIGNED = "SIGNED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"
    FAILED = "FAILED"

    @property
    def ended(self) -> bool:
        return not NEXT[self]


SITTING_WORDS = {
    SittingState.PREPARED: "Đang gửi yêu cầu",
    SittingState.WAITING: "Chờ phê duyệt",
    SittingState.SIGNED: "Đã ký",
    SittingState.CANCELLED: "Đã huỷ",
    SittingState.TIMED_OUT: "Hết giờ",
    SittingState.FAILED: "Không ký được",
}

NEXT: dict[SittingState, frozenset[SittingState]] = {
    SittingState.PREPARED: frozenset(
        {SittingState.WAITING, SittingState.CANCELLED, SittingState.TIMED_OUT, SittingState.FAILED}
    ),
    SittingState.WAITING: frozenset(
        {SittingState.SIGNED, SittingState.CANCELLED, SittingState.TIMED_OUT, SittingState.FAILED}
    ),
    SittingState.SIGNED: frozenset(),
    SittingState.CANCELLED: frozenset(),
    SittingState.TIMED_OUT: frozenset(),
    SittingState.FAILED: frozenset(),
}


class ItemState(StrEnum):
    """What became of one document of a sitting."""

    WAITING = "WAITING"
    SIGNED = "SIGNED"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"


class WrongSittingState(Conflict):
    """The sitting is not where this step belongs."""

    slug = "wrong-sitting-state"


def move(state: SittingState, target: SittingState) -> SittingState:
    """Return the state a sitting goes to. Raises WrongSittingState for a move that is not allowed."""
    if target not in NEXT[state]:
        raise WrongSittingState(f"Phiên ký đã ở trạng thái “{SITTING_WORDS[state]}”.")
    return target


def is_claimed(claimed_until: datetime | None, now: datetime) -> bool:
    """Tell whether somebody is completing the signatures right now; a claim dies with its process after a while."""
    return claimed_until is not None and claimed_until > now
