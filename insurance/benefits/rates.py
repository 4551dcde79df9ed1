"""The benefit rate (mức hưởng) of each line: card rate × route rate, with the two exceptions at 100 %."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

from insurance.benefits.costs import EMERGENCY, CostLine, EncounterCosts, Insured, Scope
from insurance.cards.rules import Exemption
from insurance.parameters.rules import CardLevel, Key, NoFigure, Parameters
from insurance.settings import CentralInpatientRule, DateRule, InsuranceSettings

FULL = Decimal(100)
_NONE = Decimal(0)
_CENTRAL_SELF_REFERRED = "3.1"


class RouteNotHere(NoFigure):
    """This MA_DOITUONG_KCB does not exist for inpatients, or for outpatients."""


class Rates(Struct, frozen=True):
    """What holds for the whole encounter."""

    route_rate: Decimal
    fixed: bool
    base_salary: Decimal
    small_cost_below: Decimal
    exemption_threshold: Decimal | None
    exempt: bool
    grace_days: int


def encounter_rates(costs: EncounterCosts, parameters: Parameters, settings: InsuranceSettings) -> Rates:
    """Look up what holds for the encounter. Raises NoFigure, RouteNotHere."""
    insured = costs.insured
    assert insured is not None, "only asked with a card"
    route = parameters.route(insured.route_code, _day(costs, settings.route_date_rule))
    rate = route.inpatient if costs.inpatient else route.outpatient
    if rate is None:
        raise RouteNotHere(insured.route_code)
    salary_day = _day(costs, settings.salary_date_rule)
    salary = parameters.figure(Key.BASE_SALARY, salary_day)
    threshold, exempt = None, False
    if insured.exemption is not None:
        threshold = exemption_threshold(insured.exemption, costs.discharged_on, parameters)
        exempt = is_exempt(insured.exemption, threshold, costs.discharged_on, parameters)
    return Rates(
        route_rate=rate,
        fixed=route.fixed,
        base_salary=salary,
        small_cost_below=salary * parameters.figure(Key.SMALL_COST_RATIO, salary_day),
        exemption_threshold=threshold,
        exempt=exempt,
        grace_days=int(parameters.figure(Key.CARD_GRACE_DAYS, costs.admitted_on)),
    )


def exemption_threshold(exemption: Exemption, on: date, parameters: Parameters) -> Decimal:
    """Co-payment of the year above which nothing more is asked (NĐ 188/2025/NĐ-CP Điều 18 khoản 2).

    When the base salary changed in the year, what is left of the old threshold is carried over in proportion:
    A + (6 − A / L_old) × L_new, with A the co-payment accumulated before the change.
    """
    if exemption.threshold is not None:
        return exemption.threshold
    multiple = parameters.figure(Key.EXEMPTION_MULTIPLE, on)
    new = parameters.figure(Key.BASE_SALARY, on)
    old = parameters.figure(Key.BASE_SALARY, date(on.year, 1, 1))
    if new == old:
        return multiple * new
    before = exemption.accumulated_before_change
    left = max(_NONE, (multiple - before / old) * new)
    return (before + left).quantize(Decimal("0.01"), ROUND_HALF_UP)


def is_exempt(exemption: Exemption, threshold: Decimal, on: date, parameters: Parameters) -> bool:
    """Tell whether five years are reached and the year's co-payments are over the threshold."""
    if exemption.year != on.year or exemption.five_years_on is None or exemption.five_years_on > on:
        return False
    multiple = parameters.figure(Key.EXEMPTION_MULTIPLE, on)
    old = parameters.figure(Key.BASE_SALARY, date(on.year, 1, 1))
    used_up = exemption.threshold is None and exemption.accumulated_before_change >= multiple * old
    return used_up or exemption.accumulated > threshold


def card_level(
    line: CostLine, costs: EncounterCosts, rates: Rates, parameters: Parameters
) -> CardLevel | None:
    """Return the best level among the cards that cover the line's day; None when no card does."""
    insured = costs.insured
    if insured is None or _before_presented(line, insured):
        return None
    levels = [
        parameters.level(card.level)
        for card in insured.cards
        if card.covers(line.on, admitted_on=costs.admitted_on, grace_days=rates.grace_days)
    ]
    return max(levels, key=lambda level: (level.rate, level.beyond_scope), default=None)


def is_counted(line: CostLine, level: CardLevel | None) -> bool:
    """Tell whether the fund counts a line at all."""
    if level is None or line.scope is Scope.OUTSIDE:
        return False
    return level.beyond_scope if line.scope is Scope.ARMED_FORCES else True


def line_rate(
    line: CostLine,
    level: CardLevel,
    costs: EncounterCosts,
    rates: Rates,
    *,
    small: bool,
    settings: InsuranceSettings,
) -> Decimal:
    """Return MUC_HUONG of a counted line in percent."""
    insured = costs.insured
    assert insured is not None, "a counted line has a card"
    if rates.fixed:
        return rates.route_rate
    exempt = rates.exempt and _holds(insured.exemption, line.on)
    small = small and (settings.small_cost_combines_with_route or rates.route_rate == FULL)
    central = insured.route_code == _CENTRAL_SELF_REFERRED and costs.inpatient
    if central and settings.central_inpatient_rule is CentralInpatientRule.ROUTE:
        return rates.route_rate
    card_rate = FULL if exempt or small else level.rate
    return card_rate * rates.route_rate / 100


def _holds(exemption: Exemption | None, on: date) -> bool:
    """Tell whether an exemption reaches a day: its own year only, from the day of the fifth year."""
    if exemption is None or exemption.five_years_on is None:
        return False
    return on.year == exemption.year and exemption.five_years_on <= on


def _before_presented(line: CostLine, insured: Insured) -> bool:
    if insured.presented_on is None or insured.route_code == EMERGENCY:
        return False
    return line.on < insured.presented_on


def _day(costs: EncounterCosts, rule: DateRule) -> date:
    return costs.admitted_on if rule is DateRule.ADMISSION else costs.discharged_on
