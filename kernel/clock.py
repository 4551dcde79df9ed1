"""Moments and days: stored in UTC, shown as the clock on a Vietnamese wall."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Meta

Instant = Annotated[datetime, Meta(tz=True, description="An aware moment, stored in UTC.")]

VN = ZoneInfo("Asia/Ho_Chi_Minh")

_TYPED_DAY = re.compile(r"(\d{2})(\d{2})(\d{4})|(\d{1,2})/(\d{1,2})/(\d{4})|(\d{1,2})-(\d{1,2})-(\d{4})")
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def utc_now() -> Instant:
    """Read the clock. Only rest, pages and jobs may; rules and services are handed `now`."""
    return datetime.now(UTC)


def local(moment: Instant) -> datetime:
    """Return the moment on the Vietnamese clock. Raises ValueError for a naive moment."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(VN)


def local_day(moment: Instant) -> date:
    """Return the calendar day of the moment in Vietnam."""
    return local(moment).date()


def start_of_day(day: date) -> Instant:
    """Return the first moment of a Vietnamese calendar day, in UTC."""
    return datetime.combine(day, time(), VN).astimezone(UTC)


def day_bounds(day: date) -> tuple[Instant, Instant]:
    """Return the first moment of the day and the first moment after it, in UTC."""
    return start_of_day(day), start_of_day(day + timedelta(days=1))


def format_instant(moment: Instant) -> str:
    """Show a moment: "21/11/2026 14:05"."""
    return f"{local(moment):%d/%m/%Y %H:%M}"


def format_clock(moment: Instant) -> str:
    """Show the time of day: "14:05"."""
    return f"{local(moment):%H:%M}"


def format_day(day: date) -> str:
    """Show a calendar day: "21/11/2026". Raises TypeError for a moment: say which day it is first."""
    if isinstance(day, datetime):
        raise TypeError("format_day takes a calendar day; use local_day(moment)")
    return f"{day:%d/%m}/{day.year:04d}"


def format_day_in_words(day: date) -> str:
    """Show a day as papers are dated: "ngày 21 tháng 11 năm 2026"."""
    return f"ngày {day.day:02d} tháng {day.month:02d} năm {day.year}"


def parse_day_typed(text: str) -> date:
    """Read a day a person typed: 21112026, 21/11/2026, 1/2/2026, 21-11-2026 or what a date field sends.

    Raises ValueError on anything else, and on a day that does not exist.
    """
    typed = text.strip()
    if _ISO_DAY.fullmatch(typed):
        return date.fromisoformat(typed)
    if not (match := _TYPED_DAY.fullmatch(typed)):
        raise ValueError(text)
    day, month, year = (int(part) for part in match.groups() if part is not None)
    return date(year, month, day)
