"""Rules of identity."""

from datetime import date

import pytest

from emr.patients.rules import (
    PROVINCES_OF_BIRTH,
    age_text,
    birth_text,
    citizen_id_warnings,
    is_citizen_id,
    is_insurance_no,
    needs_guardian,
    possible_birth,
    social_code,
)
from emr.patients.scan import Precision, Sex


def test_there_are_63_provinces_of_birth() -> None:
    assert len(PROVINCES_OF_BIRTH) == 63


@pytest.mark.parametrize(
    ("number", "sex", "birth", "count"),
    [
        ("051199000123", Sex.FEMALE, date(1999, 2, 1), 0),
        ("051199000123", Sex.UNKNOWN, date(1999, 2, 1), 0),
        ("051199000123", Sex.MALE, date(1999, 2, 1), 1),
        ("051199000123", Sex.FEMALE, date(1998, 2, 1), 1),
        ("003199000123", Sex.FEMALE, date(1999, 2, 1), 1),
        ("079205000123", Sex.MALE, date(2005, 2, 1), 0),
        ("079305000123", Sex.FEMALE, date(2005, 2, 1), 0),
        ("003200000123", Sex.FEMALE, date(1999, 2, 1), 3),
    ],
)
def test_a_number_that_does_not_fit_the_card_warns(number: str, sex: Sex, birth: date, count: int) -> None:
    assert len(citizen_id_warnings(number, sex=sex, birth=birth)) == count


def test_any_twelve_digits_are_a_personal_number() -> None:
    assert is_citizen_id("000000000000")
    assert not is_citizen_id("00000000000")
    assert not is_citizen_id("٠٠٠٠٠٠٠٠٠٠٠٠")


def test_card_numbers_share_the_social_code() -> None:
    assert is_insurance_no("DN4515120000001")
    assert is_insurance_no("5120000001")
    assert not is_insurance_no("DN6515120000001")
    assert social_code("DN4515120000001") == social_code("5120000001") == "5120000001"


@pytest.mark.parametrize(
    ("birth", "text"),
    [
        (date(2026, 11, 1), "20 ngày"),
        (date(2026, 10, 21), "1 tháng"),
        (date(2020, 11, 22), "71 tháng"),
        (date(2020, 11, 21), "6 tuổi"),
        (date(1999, 11, 22), "26 tuổi"),
    ],
)
def test_age_is_told_as_clinicians_do(birth: date, text: str) -> None:
    assert age_text(birth, date(2026, 11, 21)) == text


def test_a_birth_date_shows_only_what_is_known() -> None:
    day = date(1960, 1, 1)
    assert [birth_text(day, precision) for precision in Precision] == [
        "01/01/1960",
        "01/1960",
        "1960",
        "khoảng 1960",
    ]


def test_sixteen_years_end_guardianship() -> None:
    assert needs_guardian(date(2010, 11, 22), date(2026, 11, 21))
    assert not needs_guardian(date(2010, 11, 21), date(2026, 11, 21))


def test_a_birth_in_the_future_or_too_long_ago_is_impossible() -> None:
    today = date(2026, 11, 21)
    assert possible_birth(today, today)
    assert not possible_birth(date(2026, 11, 22), today)
    assert not possible_birth(date(1890, 1, 1), today)
