"""Settling an encounter of 40 lines, beside the bare decimal arithmetic of its lines."""

import time
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from insurance.api import Card, CostLine, EncounterCosts, Insured, settle

LINES, ROUNDS = 40, 300
DAY = date(2026, 11, 21)


def encounter() -> EncounterCosts:
    lines = tuple(
        CostLine(UUID(int=n), DAY, Decimal(1 + n % 3), Decimal(50_600 + n), Decimal(48_000 + n), group="1")
        for n in range(LINES)
    )
    card = Card("DN4010000000000", 4, date(2026, 1, 1), date(2026, 12, 31))
    return EncounterCosts(DAY, DAY, False, lines, Insured((card,), "1.1"))


def bare(costs: EncounterCosts) -> Decimal:
    """The multiplications and roundings that nobody can leave out."""
    cent, total = Decimal("0.01"), Decimal(0)
    for line in costs.lines:
        whole = (line.quantity * line.price * line.service_ratio / 100).quantize(cent, ROUND_HALF_UP)
        inside = (
            line.quantity * line.insured_price * line.service_ratio * line.payment_ratio / 10_000
        ).quantize(cent, ROUND_HALF_UP)
        fund = (inside * 80 / 100).quantize(cent, ROUND_HALF_UP)
        total += whole - fund
    return total


def best(work: Callable[[], object]) -> float:
    """Return the CPU milliseconds of one call, the best of 5 rounds."""
    found = []
    for _ in range(5):
        begin = time.process_time()
        for _ in range(ROUNDS):
            work()
        found.append((time.process_time() - begin) / ROUNDS * 1000)
    return min(found)


def main() -> dict[str, Any]:
    costs = encounter()
    value, floor = best(lambda: settle(costs)), best(lambda: bare(costs))
    return {
        "name": f"settle an encounter of {LINES} lines, CPU",
        "value": value,
        "unit": "ms",
        "floor": floor,
        "ratio": value / floor,
    }
