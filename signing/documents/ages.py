"""Ages of a signature that is owed: the columns of the debt view, and when reminders are due."""

from collections.abc import Iterable
from datetime import timedelta

from kernel.clock import Instant

BUCKETS: tuple[tuple[str, timedelta], ...] = (
    ("Dưới 4 giờ", timedelta(hours=4)),
    ("4–24 giờ", timedelta(hours=24)),
    ("1–3 ngày", timedelta(days=3)),
    ("3–7 ngày", timedelta(days=7)),
    ("Trên 7 ngày", timedelta.max),
)
"""The upper end of each age is not in it."""


def bucket_of(since: Instant, now: Instant) -> int:
    """Return in which age of `BUCKETS` a debt stands."""
    age = now - since
    return next(at for at, (_, end) in enumerate(BUCKETS) if age < end)


def due_step(since: Instant, now: Instant, hours: Iterable[int]) -> int:
    """Return how many steps of age have passed: 0 before the first reminder is due."""
    return sum(now - since >= timedelta(hours=step) for step in hours)


def age_of(since: Instant, now: Instant) -> str:
    """Say how long something has waited: "chờ 3 giờ"."""
    minutes = int((now - since).total_seconds() // 60)
    if minutes < 1:
        return "vừa gửi"
    if minutes < 60:
        return f"chờ {minutes} phút"
    return f"chờ {minutes // 60} giờ" if minutes < 2880 else f"chờ {minutes // 1440} ngày"
