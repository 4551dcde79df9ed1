"""When a certificate's end is announced, and how it is drawn in the calendar."""

from enum import StrEnum

from kernel.clock import Instant


class NoticeKind(StrEnum):
    """What is told of a certificate, each once."""

    DAYS_60 = "DAYS_60"
    DAYS_30 = "DAYS_30"
    DAYS_7 = "DAYS_7"
    ENDED = "ENDED"
    REVOKED = "REVOKED"


STEPS = ((0, NoticeKind.ENDED), (7, NoticeKind.DAYS_7), (30, NoticeKind.DAYS_30), (60, NoticeKind.DAYS_60))


def days_left(not_after: Instant, now: Instant) -> int:
    """Count whole days until the end; negative: it is over."""
    return (not_after - now).days


def due_notice(not_after: Instant, now: Instant) -> NoticeKind | None:
    """Return the warning that is due now: the nearest step that was reached."""
    if not_after <= now:
        return NoticeKind.ENDED
    left = (not_after - now).total_seconds() / 86_400
    return next((kind for days, kind in STEPS if left <= days), None)
