"""Which price a line is charged at."""

from collections.abc import Iterable
from datetime import date
from enum import StrEnum

from msgspec import Struct

from kernel.money import Vnd


class PriceKind(StrEnum):
    """Loại giá: the insured price, the fee, on demand, and for foreigners."""

    BHYT = "BHYT"
    FEE = "FEE"
    """Viện phí."""
    ON_DEMAND = "ON_DEMAND"
    """Theo yêu cầu."""
    FOREIGNER = "FOREIGNER"
    """Người nước ngoài."""


KIND_WORDS = {
    PriceKind.BHYT: "BHYT",
    PriceKind.FEE: "Viện phí",
    PriceKind.ON_DEMAND: "Theo yêu cầu",
    PriceKind.FOREIGNER: "Người nước ngoài",
}


class Price(Struct, frozen=True):
    """A price with the days it holds, both included; `valid_to` None holds until a later one begins."""

    amount: Vnd
    valid_from: date
    valid_to: date | None = None


def price_kind(*, payer: str, in_scope: bool, on_demand: bool) -> PriceKind:
    """Return the kind a line is charged at. `payer` is the visit's đối tượng."""
    if payer == "FOREIGNER":
        return PriceKind.FOREIGNER
    if on_demand or payer == "ON_DEMAND":
        return PriceKind.ON_DEMAND
    return PriceKind.BHYT if payer == "BHYT" and in_scope else PriceKind.FEE


def price_on(prices: Iterable[Price], day: date) -> Price | None:
    """Return the price in force on a day: the latest that began, unless it ended."""
    begun = [price for price in prices if price.valid_from <= day]
    latest = max(begun, key=lambda price: price.valid_from, default=None)
    if latest is None or (latest.valid_to is not None and latest.valid_to < day):
        return None
    return latest
