"""The worked examples of the benefit rules, the cliff of the 15 % rule, routes, scope and aid."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest

from insurance.api import AidRule, NoFigure, RouteNotHere, Scope, Settlement, settle, shipped
from tests.insurance.encounters import EXAMPLES, a_line, an_encounter, vnd


@pytest.mark.parametrize("name", EXAMPLES)
def test_worked_examples(name: str) -> None:
    costs, rate, fund, copay, outside, payable = EXAMPLES[name]
    got = settle(costs)
    assert (got.fund, got.copay, got.outside) == (Decimal(fund), Decimal(copay), Decimal(outside))
    assert got.payable == payable
    assert got.rate == (None if rate is None else Decimal(rate))


def test_deposits_come_back_when_they_are_more_than_owed() -> None:
    got = settle(EXAMPLES["3"][0])
    assert (got.to_collect, got.to_refund) == (0, 880_000)


def test_half_a_dong_is_rounded_up_once_and_shown() -> None:
    got = settle(EXAMPLES["7"][0])
    assert got.rounding == Decimal("0.50")


def test_one_more_cheap_test_turns_nothing_to_pay_into_a_copayment_on_everything() -> None:
    before = settle(an_encounter("379499"))
    after = settle(an_encounter("379500"))
    assert (before.payable, after.payable) == (0, 75_900)
    assert before.small_cost
    assert not after.small_cost


def test_without_a_card_everything_is_the_patients() -> None:
    costs = msgspec.structs.replace(an_encounter("1000000"), insured=None)
    got = settle(costs)
    assert (got.fund, got.outside) == vnd(0, 1_000_000)
    assert got.payable == 1_000_000
    assert got.without_consent == ()


def test_code_9_is_not_insurance() -> None:
    got = settle(an_encounter("1000000", route="9"))
    assert got.fund == 0
    assert got.payable == 1_000_000


@pytest.mark.parametrize(
    ("route", "inpatient", "rate"),
    [
        ("3.1", True, 32),
        ("3.1", False, 0),
        ("3.2", True, 80),
        ("3.3", False, 80),
        ("3.6", True, 80),
        ("1.2", False, 100),
        ("1.13", False, 40),
        ("1.1", False, 80),
        ("1.11", False, 80),
        ("1.18", False, 40),
        ("2", True, 80),
        ("7.4", False, 80),
    ],
)
def test_codes_match_exactly_never_by_prefix(route: str, inpatient: bool, rate: int) -> None:
    got = settle(an_encounter("10000000", route=route, inpatient=inpatient))
    assert got.fund == Decimal(10_000_000) * rate / 100


@pytest.mark.parametrize(("route", "inpatient"), [("1.12", True), ("1.15", False), ("8", True), ("8", False)])
def test_a_route_that_does_not_exist_in_the_setting_is_refused(route: str, inpatient: bool) -> None:
    with pytest.raises(RouteNotHere):
        settle(an_encounter("100", route=route, inpatient=inpatient))


@pytest.mark.parametrize("route", ["3", "1", "", "11", "99"])
def test_an_unknown_route_is_refused(route: str) -> None:
    with pytest.raises(NoFigure):
        settle(an_encounter("100", route=route))


def test_a_day_before_the_first_figure_is_refused() -> None:
    with pytest.raises(NoFigure):
        settle(an_encounter("100", on=date(2020, 1, 1)))


def test_the_annex_has_27_codes() -> None:
    assert len({row.code for row in shipped().routes}) == 27


def test_own_cost_of_an_insured_person_needs_a_consent() -> None:
    costs = an_encounter("1000000", outside="200000")
    lines = (costs.lines[0], msgspec.structs.replace(costs.lines[1], consent_id=None))
    got = settle(msgspec.structs.replace(costs, lines=lines))
    assert got.without_consent == (UUID(int=2),)


def test_the_part_of_the_price_above_the_funds_is_the_patients() -> None:
    costs = an_encounter("0")
    line = a_line("150000", insured_price="50600")
    more = a_line("400000", number=2)
    got = settle(msgspec.structs.replace(costs, lines=(line, more)))
    assert got.lines[0].outside == 99_400
    assert got.in_scope == 450_600


def test_a_repeated_exam_and_a_ratio_of_payment_multiply() -> None:
    line = msgspec.structs.replace(a_line("1000000"), service_ratio=Decimal(30), payment_ratio=Decimal(50))
    got = settle(msgspec.structs.replace(an_encounter("0"), lines=(line,)))
    assert (got.total, got.in_scope) == vnd(300_000, 150_000)


def test_a_ceiling_bounds_what_the_fund_counts() -> None:
    line = msgspec.structs.replace(a_line("2000000"), ceiling=Decimal(1_200_000))
    got = settle(msgspec.structs.replace(an_encounter("0"), lines=(line,)))
    assert (got.in_scope, got.outside) == vnd(1_200_000, 800_000)


def test_army_and_police_cards_are_paid_beyond_scope() -> None:
    lines = (a_line("700000", scope=Scope.ARMED_FORCES),)
    army = settle(msgspec.structs.replace(an_encounter("0", level=5), lines=lines))
    worker = settle(msgspec.structs.replace(an_encounter("0", level=4), lines=lines))
    assert (army.fund, worker.fund) == vnd(700_000, 0)


def aided(rule: AidRule, aid: str, *, ratio: str = "50") -> Settlement:
    line = msgspec.structs.replace(
        a_line("10000000"), payment_ratio=Decimal(ratio), aid=Decimal(aid), aid_rule=rule
    )
    return settle(msgspec.structs.replace(an_encounter("0"), lines=(line,)))


def test_aid_through_the_hospital_comes_off_first() -> None:
    got = aided(AidRule.FACILITY, "3000000")
    assert (got.in_scope, got.fund, got.copay, got.outside) == vnd(3_500_000, 2_800_000, 700_000, 3_500_000)


def test_aid_to_the_person_takes_own_cost_then_copayment_then_the_fund() -> None:
    got = aided(AidRule.PATIENT, "6500000")
    assert (got.outside, got.copay, got.fund) == vnd(0, 0, 3_500_000)


def test_a_programme_pays_exactly_the_copayment() -> None:
    got = aided(AidRule.PROGRAMME, "0", ratio="100")
    assert (got.copay, got.aid, got.fund) == vnd(0, 2_000_000, 8_000_000)
