"""The bill of a whole encounter shared between fund, patient and others (QĐ 697/QĐ-BYT, NĐ 188/2025/NĐ-CP).

Everything is `Decimal` in đồng with two places, rounded half up per line; what the patient owes is rounded
to whole đồng once, for the encounter. One more cheap test can turn a bill of 0 into a co-payment on
everything (the 15 % rule), so the whole encounter is settled on every change, never line by line.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from msgspec import Struct

from insurance.benefits.costs import NO_CARD, EncounterCosts
from insurance.benefits.lines import ZERO, SettledLine, insured_cost, share
from insurance.benefits.rates import FULL, Rates, card_level, encounter_rates, is_counted, line_rate
from insurance.parameters.rules import Parameters, shipped
from insurance.settings import InsuranceSettings, ZeroRateRule

_DEFAULTS = InsuranceSettings()


class Settlement(Struct, frozen=True):
    """Who pays what for an encounter. total = fund + copay + outside + aid."""

    lines: tuple[SettledLine, ...]
    total: Decimal  # T_TONGCHI_BV
    in_scope: Decimal  # T_TONGCHI_BH
    fund: Decimal  # T_BHTT
    copay: Decimal  # T_BNCCT
    outside: Decimal  # T_BNTT
    aid: Decimal  # T_NGUONKHAC
    payable: int  # What the patient owes, whole đồng.
    rounding: Decimal  # payable − (copay + outside); a row of its own on the bill.
    rate: Decimal | None  # MUC_HUONG when every line the fund counts has the same one.
    small_cost: bool  # In-scope cost is below 15 % of the base salary.
    small_cost_below: Decimal | None
    exempt: bool
    exemption_threshold: Decimal | None  # To be stored with the decision.
    base_salary: Decimal | None
    without_consent: tuple[UUID, ...]  # Insured person's own-cost lines that lack a recorded consent.
    to_collect: int
    to_refund: int  # Hoàn ứng


def settle(
    costs: EncounterCosts, parameters: Parameters | None = None, settings: InsuranceSettings = _DEFAULTS
) -> Settlement:
    """Settle an encounter as it stands. Raises BadCosts, NoFigure, RouteNotHere."""
    parameters = parameters or shipped()
    if costs.insured is None or costs.insured.route_code == NO_CARD:
        lines = [share(line, ZERO, ZERO, zero_is_outside=True) for line in costs.lines]
        return _sum(costs, lines, None, small=False, consent_asked=False)
    rates = encounter_rates(costs, parameters, settings)
    levels = [card_level(line, costs, rates, parameters) for line in costs.lines]
    counted = [
        insured_cost(line, counted=is_counted(line, level))
        for line, level in zip(costs.lines, levels, strict=True)
    ]
    small = 0 < sum(counted, ZERO) < rates.small_cost_below
    own = settings.zero_rate_rule is ZeroRateRule.OUTSIDE
    lines = []
    for line, level, in_scope in zip(costs.lines, levels, counted, strict=True):
        rate = ZERO
        if level is not None and is_counted(line, level):
            rate = line_rate(line, level, costs, rates, small=small, settings=settings)
        lines.append(share(line, in_scope, rate, zero_is_outside=own))
    if settings.intra_encounter_switch:
        lines = _switch(costs, lines, rates, own=own)
    return _sum(costs, lines, rates, small=small, consent_asked=True)


def _switch(costs: EncounterCosts, lines: list[SettledLine], rates: Rates, *, own: bool) -> list[SettledLine]:
    """Exempt the lines after the one whose co-payment passes the year's threshold."""
    exemption = costs.insured.exemption if costs.insured else None
    if rates.exempt or rates.fixed or exemption is None or rates.exemption_threshold is None:
        return lines
    since = exemption.five_years_on
    running = exemption.accumulated
    switched = list(lines)
    for index in sorted(range(len(lines)), key=lambda i: costs.lines[i].on):
        source, line = costs.lines[index], lines[index]
        held = since is not None and since <= source.on and source.on.year == exemption.year
        if held and running > rates.exemption_threshold and line.in_scope:
            switched[index] = share(source, line.in_scope, FULL * rates.route_rate / 100, zero_is_outside=own)
        running += switched[index].copay
    return switched


def _sum(
    costs: EncounterCosts,
    lines: Iterable[SettledLine],
    rates: Rates | None,
    *,
    small: bool,
    consent_asked: bool,
) -> Settlement:
    settled = tuple(lines)
    copay = sum((line.copay for line in settled), ZERO)
    outside = sum((line.outside for line in settled), ZERO)
    payable = int((copay + outside).quantize(Decimal(1), ROUND_HALF_UP))
    seen = {line.rate for line in settled if line.in_scope}
    return Settlement(
        lines=settled,
        total=sum((line.total for line in settled), ZERO),
        in_scope=sum((line.in_scope for line in settled), ZERO),
        fund=sum((line.fund for line in settled), ZERO),
        copay=copay,
        outside=outside,
        aid=sum((line.aid for line in settled), ZERO),
        payable=payable,
        rounding=payable - (copay + outside),
        rate=seen.pop() if len(seen) == 1 else None,
        small_cost=small,
        small_cost_below=rates.small_cost_below if rates else None,
        exempt=rates.exempt if rates else False,
        exemption_threshold=rates.exemption_threshold if rates else None,
        base_salary=rates.base_salary if rates else None,
        without_consent=tuple(
            line.id for line in settled if consent_asked and line.outside > 0 and line.consent_id is None
        ),
        to_collect=max(0, payable - costs.deposits),
        to_refund=max(0, costs.deposits - payable),
    )
