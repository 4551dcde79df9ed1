"""What the law leaves open is a setting: each way of reading it."""

from datetime import date, timedelta

import msgspec

from insurance.api import settle
from insurance.settings import CentralInpatientRule, DateRule, InsuranceSettings, ZeroRateRule
from tests.insurance.encounters import AUTUMN, EXAMPLES, a_line, an_encounter, five_years, vnd


def test_the_day_of_the_base_salary_is_a_setting() -> None:
    costs = msgspec.structs.replace(
        an_encounter("360000", on=date(2026, 6, 30)), discharged_on=date(2026, 7, 1)
    )
    assert settle(costs).payable == 72_000
    late = InsuranceSettings(salary_date_rule=DateRule.DISCHARGE)
    assert settle(costs, settings=late).payable == 0


def test_whether_small_cost_meets_a_reduced_route_is_a_setting() -> None:
    costs = an_encounter("200000", route="1.14")
    assert settle(costs).fund == 100_000
    assert settle(costs, settings=InsuranceSettings(small_cost_combines_with_route=False)).fund == 80_000


def test_the_central_inpatient_rate_is_a_setting() -> None:
    route = InsuranceSettings(central_inpatient_rule=CentralInpatientRule.ROUTE)
    assert settle(EXAMPLES["6"][0], settings=route).rate == 40


def test_where_cost_at_rate_zero_goes_is_a_setting() -> None:
    copay = InsuranceSettings(zero_rate_rule=ZeroRateRule.COPAY)
    got = settle(EXAMPLES["4b"][0], settings=copay)
    assert (got.copay, got.outside) == vnd(1_000_000, 0)


def test_the_exemption_may_begin_inside_an_encounter_by_setting() -> None:
    costs = an_encounter("0", exemption=five_years("15180000"))
    lines = tuple(a_line("1000000", on=AUTUMN + timedelta(days=day), number=day + 1) for day in range(2))
    costs = msgspec.structs.replace(costs, lines=lines, discharged_on=AUTUMN + timedelta(days=1))
    assert settle(costs).payable == 400_000
    assert settle(costs, settings=InsuranceSettings(intra_encounter_switch=True)).payable == 200_000
