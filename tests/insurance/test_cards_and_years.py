"""Cards that begin, end or come late, and the threshold of a year."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from insurance.api import Card, EncounterCosts, Exemption, Insured, settle
from tests.insurance.encounters import a_line, an_encounter


def test_a_card_that_expires_in_the_stay_pays_15_days_more() -> None:
    admitted = date(2026, 10, 1)
    card = Card("DN4010000000000", 4, date(2026, 1, 1), date(2026, 10, 5))
    lines = tuple(
        a_line("1000000", on=day, number=number)
        for number, day in enumerate([date(2026, 10, 5), date(2026, 10, 20), date(2026, 10, 21)], start=1)
    )
    got = settle(EncounterCosts(admitted, date(2026, 10, 21), True, lines, Insured((card,), "1.3")))
    assert [line.fund for line in got.lines] == [800_000, 800_000, 0]


def test_a_card_that_had_expired_before_admission_pays_nothing() -> None:
    card = Card("DN4010000000000", 4, date(2025, 1, 1), date(2026, 11, 20))
    costs = msgspec.structs.replace(an_encounter("1000000"), insured=Insured((card,), "1.1"))
    assert settle(costs).fund == 0


def test_a_better_card_counts_from_the_day_it_is_valid() -> None:
    cards = (
        Card("DN4010000000000", 4, date(2026, 1, 1)),
        Card("HT3010000000000", 3, date(2026, 11, 10)),
    )
    lines = (a_line("1000000", on=date(2026, 11, 9)), a_line("1000000", on=date(2026, 11, 10), number=2))
    got = settle(EncounterCosts(date(2026, 11, 9), date(2026, 11, 12), True, lines, Insured(cards, "1.3")))
    assert [line.rate for line in got.lines] == [80, 95]
    assert got.rate is None


@pytest.mark.parametrize(("route", "fund"), [("1.1", 800_000), ("2", 1_600_000)])
def test_a_card_shown_late_pays_from_then_on_but_an_emergency_from_the_start(route: str, fund: int) -> None:
    card = Card("DN4010000000000", 4, date(2026, 1, 1))
    lines = (a_line("1000000", on=date(2026, 11, 9)), a_line("1000000", on=date(2026, 11, 10), number=2))
    insured = Insured((card,), route, presented_on=date(2026, 11, 10))
    assert settle(EncounterCosts(date(2026, 11, 9), date(2026, 11, 12), True, lines, insured)).fund == fund


def test_the_threshold_of_a_year_whose_base_salary_changed_carries_the_rest_over() -> None:
    exemption = Exemption(2026, date(2025, 5, 1), Decimal(15_000_000), Decimal(1_396_758))
    got = settle(an_encounter("4000000", exemption=exemption))
    assert got.exemption_threshold == Decimal("15066588.03")
    assert not got.exempt


def test_who_had_used_up_the_old_threshold_is_exempt_at_once() -> None:
    exemption = Exemption(2026, date(2025, 5, 1), Decimal(14_040_000), Decimal(14_040_000))
    assert settle(an_encounter("4000000", exemption=exemption)).payable == 0


def test_a_stored_threshold_is_never_computed_again() -> None:
    exemption = Exemption(2026, date(2025, 5, 1), Decimal(14_500_000), threshold=Decimal(14_040_000))
    got = settle(an_encounter("4000000", exemption=exemption))
    assert got.exemption_threshold == 14_040_000
    assert got.payable == 0


@pytest.mark.parametrize(
    "exemption",
    [
        Exemption(2026, None, Decimal(20_000_000)),
        Exemption(2026, date(2026, 11, 22), Decimal(20_000_000)),
        Exemption(2025, date(2024, 1, 1), Decimal(20_000_000)),
    ],
    ids=["five years unknown", "five years tomorrow", "another year"],
)
def test_both_conditions_must_hold_in_the_same_year(exemption: Exemption) -> None:
    assert settle(an_encounter("4000000", exemption=exemption)).payable == 800_000


def test_a_stay_over_new_year_is_exempt_in_the_exempt_year_only() -> None:
    card = Card("DN4010000000000", 4, date(2026, 1, 1))
    lines = (a_line("1000000", on=date(2026, 12, 31)), a_line("1000000", on=date(2027, 1, 1), number=2))
    exemption = Exemption(2027, date(2025, 5, 1), Decimal(20_000_000))
    got = settle(
        EncounterCosts(date(2026, 12, 31), date(2027, 1, 2), True, lines, Insured((card,), "1.3", exemption))
    )
    assert [line.fund for line in got.lines] == [800_000, 1_000_000]
