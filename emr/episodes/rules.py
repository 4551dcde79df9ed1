"""Payers, and the moves of visits, episodes and stays. Pure."""

from datetime import date
from enum import StrEnum

from emr.patients.rules import age_years


class Payer(StrEnum):
    """Đối tượng: who pays for a visit."""

    BHYT = "BHYT"
    SELF_PAY = "SELF_PAY"
    """Viện phí."""
    ON_DEMAND = "ON_DEMAND"
    """Theo yêu cầu."""
    FOREIGNER = "FOREIGNER"


class Setting(StrEnum):
    """Where the person is treated."""

    OUTPATIENT = "OUTPATIENT"
    INPATIENT = "INPATIENT"
    EMERGENCY = "EMERGENCY"


class VisitState(StrEnum):
    WAITING = "WAITING"
    IN_PROGRESS = "IN_PROGRESS"
    ENDED = "ENDED"
    CANCELLED = "CANCELLED"


NEXT: dict[VisitState, frozenset[VisitState]] = {
    VisitState.WAITING: frozenset({VisitState.IN_PROGRESS, VisitState.CANCELLED}),
    VisitState.IN_PROGRESS: frozenset({VisitState.ENDED}),
    VisitState.ENDED: frozenset(),
    VisitState.CANCELLED: frozenset(),
}

STATE_WORDS = {
    VisitState.WAITING: "Chờ khám",
    VisitState.IN_PROGRESS: "Đang khám",
    VisitState.ENDED: "Đã kết thúc",
    VisitState.CANCELLED: "Đã hủy",
}


class Outcome(StrEnum):
    """How an exam or a stay ended."""

    HOME = "HOME"
    ADMITTED = "ADMITTED"
    REFERRED = "REFERRED"
    """Chuyển cơ sở khám bệnh, chữa bệnh."""
    LEFT_ON_REQUEST = "LEFT_ON_REQUEST"
    """Xin về."""
    ABSCONDED = "ABSCONDED"
    """Bỏ về."""
    DIED = "DIED"


class StayState(StrEnum):
    OPEN = "OPEN"
    ENDED = "ENDED"


class EpisodeState(StrEnum):
    """Đợt khám chữa bệnh: open while anything in it is."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


class IdentifiedBy(StrEnum):
    """How identity was established at a visit (R-30)."""

    QR_CCCD = "QR_CCCD"
    CHIP_CCCD = "CHIP_CCCD"
    VNEID_APP = "VNEID_APP"
    AUTH_SERVICE = "AUTH_SERVICE"
    BHXH_LOOKUP = "BHXH_LOOKUP"
    MANUAL = "MANUAL"
    UNKNOWN = "UNKNOWN"


class QueuePriority(StrEnum):
    """Order of calling within a room."""

    NORMAL = "NORMAL"
    PRIORITY = "PRIORITY"
    """Under 6, 80 and over, pregnant, disabled: reception decides, age is proposed."""
    EMERGENCY = "EMERGENCY"


RANK = {QueuePriority.NORMAL: 0, QueuePriority.PRIORITY: 1, QueuePriority.EMERGENCY: 2}


def may_move(old: VisitState, new: VisitState) -> bool:
    return new in NEXT[old]


def proposed_priority(birth: date, on: date) -> QueuePriority:
    age = age_years(birth, on)
    return QueuePriority.PRIORITY if age < 6 or age >= 80 else QueuePriority.NORMAL


def joins_episode(*, opened_on: date, today: date, stay_open: bool) -> bool:
    """A new visit belongs to an open episode of the same day, or to the one whose stay goes on."""
    return stay_open or opened_on == today
