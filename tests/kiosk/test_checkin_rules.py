"""Around the hour, the shortest queue, and people who walked away."""

from datetime import UTC, datetime, timedelta

import pytest

from kiosk.checkin.rules import RoomLoad, in_arrival_window, picture_of, shortest_queue, still_here
from kiosk.devices.rules import clean_pairing_code, new_pairing_code, secret_hash

START = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes", "let_in"), [(-121, False), (-120, True), (0, True), (60, True), (61, False)]
)
def test_the_kiosk_lets_in_around_the_hour(minutes: int, let_in: bool) -> None:
    now = START + timedelta(minutes=minutes)
    assert in_arrival_window(START, now=now, early_minutes=120, late_minutes=60) is let_in


def test_the_shortest_queue_is_chosen_and_the_first_of_equals() -> None:
    loads = [RoomLoad("PK1", 4), RoomLoad("PK2", 2), RoomLoad("PK3", 2)]
    assert shortest_queue(loads) == "PK2"
    assert shortest_queue([]) is None


@pytest.mark.parametrize(("seconds", "here"), [(0, True), (299, True), (300, False)])
def test_a_person_who_walked_away_is_forgotten(seconds: int, here: bool) -> None:
    assert still_here(START, now=START + timedelta(seconds=seconds)) is here


def test_a_pairing_code_is_read_as_people_type_it() -> None:
    code = new_pairing_code()
    assert clean_pairing_code(f" {code.lower().replace('-', ' ')} ") == clean_pairing_code(code)
    assert len(clean_pairing_code(code)) == 10


def test_a_secret_is_good_for_one_purpose() -> None:
    assert secret_hash("x", "pairing") != secret_hash("x", "token")


@pytest.mark.parametrize(
    ("exam", "icon"),
    [("Khám Nhi", "baby"), ("Khám Tâm thần", "brain"), ("Khám Nội", "activity"), ("Khám X", "stethoscope")],
)
def test_exams_have_pictures(exam: str, icon: str) -> None:
    assert picture_of(exam) == icon
