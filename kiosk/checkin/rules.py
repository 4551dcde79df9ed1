"""What a scan may do at a machine, without a database."""

from datetime import timedelta
from enum import StrEnum

from msgspec import Struct

from kernel.clock import Instant
from kernel.text import fold

ARRIVAL_LIFE = timedelta(minutes=5)
"""A person identified at the machine and gone: nobody else may go on for them."""


class How(StrEnum):
    """How the person was identified at the machine."""

    QR_CCCD = "QR_CCCD"
    BHYT_CARD = "BHYT_CARD"
    BOOKING = "BOOKING"
    TYPED = "TYPED"


class RoomLoad(Struct, frozen=True):
    room: str
    waiting: int


def shortest_queue(rooms: list[RoomLoad]) -> str | None:
    """Return the room with the fewest people waiting; the first of equals."""
    return min(rooms, key=lambda load: load.waiting).room if rooms else None


def still_here(scanned_at: Instant, *, now: Instant) -> bool:
    return now - scanned_at < ARRIVAL_LIFE


def in_arrival_window(starts_at: Instant, *, now: Instant, early_minutes: int, late_minutes: int) -> bool:
    """Tell whether a booked patient who stands at the machine is let in by the booking."""
    return starts_at - timedelta(minutes=early_minutes) <= now <= starts_at + timedelta(minutes=late_minutes)


# Pictures for people who do not read easily, by a word of the exam's name.
_PICTURES = (("nhi", "baby"), ("tam than", "brain"), ("noi", "activity"), ("mat", "eye"), ("rang", "smile"))


def picture_of(exam: str) -> str:
    """Return the icon of an exam by its name without marks; a stethoscope if no word is known."""
    words = f" {fold(exam)} "
    return next((icon for word, icon in _PICTURES if f" {word} " in words), "stethoscope")
