"""Rules of booking without a database: slots of a schedule, what may still change, the code on the phone."""

import re
import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from kernel.clock import Instant

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""No 0, O, 1, I: a person may have to read the code aloud."""
CODE = re.compile(r"LH[2-9A-HJ-NP-Z]{10}")


class BookingState(StrEnum):
    BOOKED = "BOOKED"
    CANCELLED = "CANCELLED"
    ARRIVED = "ARRIVED"


NEXT: dict[BookingState, frozenset[BookingState]] = {
    BookingState.BOOKED: frozenset({BookingState.CANCELLED, BookingState.ARRIVED}),
    BookingState.CANCELLED: frozenset(),
    BookingState.ARRIVED: frozenset(),
}

STATE_NAMES = {
    BookingState.BOOKED: "Đã đặt",
    BookingState.CANCELLED: "Đã huỷ",
    BookingState.ARRIVED: "Đã đến khám",
}


def may_become(state: BookingState, wanted: BookingState) -> bool:
    return wanted in NEXT[state]


def slot_times(starts_at: Instant, ends_at: Instant, *, minutes: int) -> list[tuple[datetime, datetime]]:
    """Cut a schedule into slots of equal length; a rest too short for a whole slot is left out."""
    if minutes <= 0:
        raise ValueError("minutes")
    step = timedelta(minutes=minutes)
    count = (ends_at - starts_at) // step
    return [(starts_at + i * step, starts_at + (i + 1) * step) for i in range(count)]


def booking_code() -> str:
    """Return a fresh code, "LH" and 10 characters that can't be guessed (50 bits)."""
    return "LH" + "".join(secrets.choice(ALPHABET) for _ in range(10))


def read_booking_code(text: str) -> str | None:
    """Return the code if the text is one, as scanned or as typed with spaces and small letters."""
    plain = "".join(text.split()).upper()
    return plain if CODE.fullmatch(plain) else None


def still_changeable(starts_at: Instant, *, now: Instant, notice_minutes: int) -> bool:
    """Tell whether the patient may still cancel or move, so long before the start."""
    return now <= starts_at - timedelta(minutes=notice_minutes)


def days_until(day_of_visit: datetime, now: datetime) -> str:
    """Say how far the visit is, in calendar days of the same clock: "hôm nay", "ngày mai", "còn 4 ngày"."""
    days = (day_of_visit.date() - now.date()).days
    return {0: "hôm nay", 1: "ngày mai"}.get(days, f"còn {days} ngày")
