from datetime import UTC, date, datetime, timedelta

import pytest

from kernel import clock
from kernel.ids import new_id

EVENING = datetime(2026, 11, 21, 18, 5, tzinfo=UTC)


def test_a_moment_is_shown_on_the_vietnamese_clock() -> None:
    assert clock.format_instant(EVENING) == "22/11/2026 01:05"
    assert clock.format_clock(EVENING) == "01:05"
    assert clock.local_day(EVENING) == date(2026, 11, 22)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError):
        clock.local(datetime(2026, 11, 21))  # noqa: DTZ001 - the naive moment is the point


def test_a_day_is_never_converted() -> None:
    assert clock.format_day(date(2026, 1, 2)) == "02/01/2026"
    assert clock.format_day_in_words(date(2026, 1, 2)) == "ngày 02 tháng 01 năm 2026"
    with pytest.raises(TypeError):
        clock.format_day(EVENING)


def test_the_bounds_of_a_day_are_seven_hours_early_in_utc() -> None:
    start, end = clock.day_bounds(date(2026, 11, 22))
    assert start == datetime(2026, 11, 21, 17, tzinfo=UTC)
    assert end - start == timedelta(days=1)


@pytest.mark.parametrize("typed", ["05032026", "05/03/2026", "5/3/2026", " 5-3-2026 ", "2026-03-05"])
def test_days_are_typed_day_first(typed: str) -> None:
    assert clock.parse_day_typed(typed) == date(2026, 3, 5)


@pytest.mark.parametrize("typed", ["", "31022026", "5/3/26", "5326", "32/01/2026", "2026/03/05", "5/3-2026"])
def test_a_day_that_does_not_exist_is_refused(typed: str) -> None:
    with pytest.raises(ValueError):
        clock.parse_day_typed(typed)


def test_ids_sort_by_the_moment_they_were_made() -> None:
    ids = [new_id() for _ in range(50)]
    assert {value.version for value in ids} == {7}
    assert {value.variant for value in ids} == {"specified in RFC 4122"}
    assert [value.int >> 80 for value in ids] == sorted(value.int >> 80 for value in ids)
    assert len(set(ids)) == 50
