"""Costs of an encounter as the benefit rules take them, and the worked examples."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from insurance.api import Card, CostLine, EncounterCosts, Exemption, Insured, Scope

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
