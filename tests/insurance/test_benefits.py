"""The worked examples of the benefit rules, the cliff of the 15 % rule, and what always holds."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insurance.api import (
    AidRule,
    BadCosts,
    Card,
    CostLine,
    EncounterCosts,
    Exemption,
    Insured,
    NoFigure,
    RouteNotHere,
    Scope,
    Settlement,
    settle,
    shipped,
)
from insurance.settings import (
    CentralInpatientRule,
    DateRule,
    InsuranceSettings,
    ZeroRateRule,
)

AUTUMN = date(2026, 11, 21)
CONSENT = UUID(int=99)


def a_line(
    price: str,
    *,
    scope: Scope = Scope.INSIDE,
    on: date = AUTUMN,
    number: int = 1,
    insured_price: str | None = None,
) -> CostLine:
    inside = Decimal(
        insured_price if insured_price is not None else price if scope is not Scope.OUTSIDE else "0"
    )
    return CostLine(UUID(int=number), on, Decimal(1), Decimal(price), inside, scope=scope, consent_id=CONSENT)


def an_encounter(
    in_scope: str,
    *,
    level: int = 4,
    route: str = "1.1",
    inpatient: bool = False,
    outside: str = "0",
    on: date = AUTUMN,
    exemption: Exemption | None = None,
    deposits: int = 0,
) -> EncounterCosts:
    lines = [a_line(in_scope, on=on)]
    if outside != "0":
        lines.append(a_line(outside, scope=Scope.OUTSIDE, on=on, number=2))
    card = Card("DN4010000000000", level, date(2026, 1, 1), date(2026, 12, 31))
    return EncounterCosts(on, on, inpatient, tuple(lines), Insured((card,), route, exemption), deposits)


def vnd(*amounts: int) -> tuple[Decimal, ...]:
    return tuple(Decimal(amount) for amount in amounts)


def five_years(accumulated: str) -> Exemption:
    return Exemption(2026, date(2025, 5, 1), Decimal(accumulated))


EXAMPLES = {
    "1": (an_encounter("300000"), "100", "300000", "0", "0", 0),
    "2": (an_encounter("379500"), "80", "303600", "75900", "0", 75_900),
    "3": (
        an_encounter("12400000", level=3, route="1.3", inpatient=True, outside="1500000", deposits=3_000_000),
        "95",
        "11780000",
        "620000",
        "1500000",
        2_120_000,
    ),
    "4": (
        an_encounter("1000000", route="1.14", on=date(2026, 8, 10)),
        "40",
        "400000",
        "600000",
        "0",
        600_000,
    ),
    "4b": (
        an_encounter("1000000", route="1.14", on=date(2026, 6, 10)),
        None,
        "0",
        "0",
        "1000000",
        1_000_000,
    ),
    "5": (
        an_encounter("2000000", level=3, route="1.18", on=date(2026, 9, 1)),
        "47.5",
        "950000",
        "1050000",
        "0",
        1_050_000,
    ),
    "6": (
        an_encounter("20000000", route="3.1", inpatient=True),
        "32",
        "6400000",
        "13600000",
        "0",
        13_600_000,
    ),
    "7": (
        an_encounter("8765432.50", route="2", inpatient=True, outside="234567"),
        "80",
        "7012346.00",
        "1753086.50",
        "234567",
        1_987_654,
    ),
    "8": (an_encounter("5000000", level=2, outside="200000"), "100", "5000000", "0", "200000", 200_000),
    "9": (an_encounter("4000000", exemption=five_years("15180001")), "100", "4000000", "0", "0", 0),
    "10": (
        an_encounter("4000000", exemption=five_years("15180000")),
        "80",
        "3200000",
        "800000",
        "0",
        800_000,
    ),
    "11": (an_encounter("379500", on=date(2026, 6, 30)), "80", "303600", "75900", "0", 75_900),
    "12": (an_encounter("350999", on=date(2026, 6, 30)), "100", "350999", "0", "0", 0),
}


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


# Aid (nguồn khác)


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


# Cards


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


# Exemption


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


# Settings for what the texts leave open


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


# Refusals and what always holds


@pytest.mark.parametrize(
    "line",
    [
        a_line("100", insured_price="200"),
        a_line("-1"),
        msgspec.structs.replace(a_line("100"), quantity=Decimal(-1)),
        msgspec.structs.replace(a_line("100"), aid=Decimal(101)),
    ],
    ids=["fund's price above ours", "negative price", "negative quantity", "aid above the total"],
)
def test_figures_that_cannot_be_a_bill_are_refused(line: CostLine) -> None:
    with pytest.raises(BadCosts):
        settle(msgspec.structs.replace(an_encounter("0"), lines=(line,)))


prices = st.decimals(min_value=0, max_value=50_000_000, places=3, allow_nan=False)


@st.composite
def cost_lines(draw: st.DrawFn) -> CostLine:
    price = draw(prices)
    insured_price = draw(st.sampled_from([price, Decimal(0), (price / 3).quantize(Decimal("0.001"))]))
    return CostLine(
        id=UUID(int=draw(st.integers(1, 10**9))),
        on=AUTUMN + timedelta(days=draw(st.integers(0, 3))),
        quantity=draw(st.decimals(min_value=0, max_value=40, places=2, allow_nan=False)),
        price=price,
        insured_price=min(price, insured_price),
        scope=draw(st.sampled_from(Scope)),
        service_ratio=draw(st.sampled_from([Decimal(n) for n in (100, 80, 50, 33, 30, 10, 0)])),
        payment_ratio=draw(st.sampled_from([Decimal(100), Decimal(50), Decimal(30)])),
    )


@given(
    lines=st.lists(cost_lines(), max_size=8),
    level=st.integers(1, 5),
    route=st.sampled_from(["1.1", "1.2", "1.3", "2", "3.1", "3.3", "9"]),
    inpatient=st.booleans(),
    deposits=st.integers(0, 10**8),
)
def test_a_bill_always_balances(
    lines: list[CostLine], level: int, route: str, inpatient: bool, deposits: int
) -> None:
    card = Card("XX1010000000000", level, date(2026, 1, 1))
    got = settle(EncounterCosts(AUTUMN, AUTUMN, inpatient, tuple(lines), Insured((card,), route), deposits))
    assert got.total == got.fund + got.copay + got.outside + got.aid
    assert got.in_scope == got.fund + got.copay
    assert abs(got.rounding) <= Decimal("0.5")
    assert got.payable - deposits == got.to_collect - got.to_refund
    assert all(min(line.fund, line.copay, line.outside, line.aid) >= 0 for line in got.lines)
    assert all(line.total == line.fund + line.copay + line.outside + line.aid for line in got.lines)


@given(
    lines=st.lists(cost_lines(), min_size=1, max_size=6),
    rule=st.sampled_from(AidRule),
    share=st.integers(0, 100),
)
def test_a_bill_with_aid_always_balances(lines: list[CostLine], rule: AidRule, share: int) -> None:
    helped = []
    for line in lines:
        whole = line.quantity * line.price * line.service_ratio / 100
        aid = Decimal(0) if rule is AidRule.PROGRAMME else (whole * share / 100 - 1).quantize(Decimal("0.01"))
        helped.append(msgspec.structs.replace(line, aid=max(Decimal(0), aid), aid_rule=rule))
    card = Card("DN4010000000000", 4, date(2026, 1, 1))
    got = settle(EncounterCosts(AUTUMN, AUTUMN, True, tuple(helped), Insured((card,), "1.3")))
    assert got.total == got.fund + got.copay + got.outside + got.aid
