"""Words the portal's pages share."""

from datetime import date, datetime

from kernel.clock import Instant, local

WEEKDAYS = ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ nhật")


def weekday_day(day: date) -> str:
    """Say a day as people do: "Thứ Tư 25/11". A moment is read on the Vietnamese clock."""
    plain = local(day).date() if isinstance(day, datetime) else day
    return f"{WEEKDAYS[plain.weekday()]} {plain:%d/%m}"


def local_moment(moment: Instant) -> datetime:
    return local(moment)
