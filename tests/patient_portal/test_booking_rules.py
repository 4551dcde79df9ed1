"""Slots of a schedule, what may change when, the code on the phone."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patient_portal.booking.rules import (
    NEXT,
    BookingState,
    booking_code,
    days_until,
    may_become,
    read_booking_code,
    slot_times,
    still_changeable,
)

START = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)


@given(hours=st.integers(0, 12), rest=st.integers(0, 59), minutes=st.integers(5, 240))
def test_slots_are_equal_follow_each_other_and_stay_inside(hours: int, rest: int, minutes: int) -> None:
    end = START + timedelta(hours=hours, minutes=rest)
    slots = slot_times(START, end, minutes=minutes)
    assert all(slot_end - start == timedelta(minutes=minutes) for start, slot_end in slots)
    assert all(one[1] == two[0] for one, two in pairwise(slots))
    assert not slots or (slots[0][0] == START and slots[-1][1] <= end)
    assert end - (slots[-1][1] if slots else START) < timedelta(minutes=minutes)


def test_a_slot_has_a_length() -> None:
    with pytest.raises(ValueError):
        slot_times(START, START + timedelta(hours=1), minutes=0)


@pytest.mark.parametrize(
    ("old", "new"), [(old, new) for old in BookingState for new in BookingState if new not in NEXT[old]]
)
def test_forbidden_moves(old: BookingState, new: BookingState) -> None:
    assert not may_become(old, new)


def test_codes_are_read_as_scanned_and_as_typed() -> None:
    code = booking_code()
    spaced = f" {code[:2].lower()} {code[2:7]} {code[7:].lower()}\n"
    assert read_booking_code(code) == code
    assert read_booking_code(spaced) == code


@pytest.mark.parametrize("text", ["", "LH", "LH0123456789", "LHABCDEFGHJKL", "VP12345678901", "LHABCDEFGHJ"])
def test_other_texts_are_no_code(text: str) -> None:
    assert read_booking_code(text) is None


def test_codes_differ() -> None:
    assert len({booking_code() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("minutes", "allowed"), [(-61, True), (-60, True), (-59, False), (0, False), (5, False)]
)
def test_changing_needs_notice(minutes: int, allowed: bool) -> None:
    now = START + timedelta(minutes=minutes)
    assert still_changeable(START, now=now, notice_minutes=60) is allowed


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (datetime(2026, 11, 25, 6, tzinfo=UTC), "hôm nay"),
        (datetime(2026, 11, 24, 23, tzinfo=UTC), "ngày mai"),
        (datetime(2026, 11, 21, 12, tzinfo=UTC), "còn 4 ngày"),
    ],
)
def test_how_far_a_visit_is(now: datetime, words: str) -> None:
    assert days_until(datetime(2026, 11, 25, 8, 30, tzinfo=UTC), now) == words
