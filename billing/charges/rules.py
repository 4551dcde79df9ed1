"""At which prices an order is charged."""

from collections.abc import Mapping

from msgspec import Struct

from billing.prices.rules import PriceKind, price_kind
from kernel.money import Vnd


class ChargePrices(Struct, frozen=True):
    """Prices of one unit in đồng; `insured_price` is what the fund counts of it."""

    kind: PriceKind
    unit_price: Vnd
    insured_price: Vnd
    missing: bool


def charge_prices(
    prices: Mapping[PriceKind, Vnd], *, payer: str, in_scope: bool, on_demand: bool
) -> ChargePrices:
    """Choose prices among those in force that day. An insured person who takes it on demand pays the difference."""
    kind = price_kind(payer=payer, in_scope=in_scope, on_demand=on_demand)
    if kind not in prices:
        return ChargePrices(kind, 0, 0, missing=True)
    unit = prices[kind]
    insured = payer == "BHYT" and in_scope
    counted = min(unit, prices.get(PriceKind.BHYT, 0)) if insured else 0
    return ChargePrices(kind, unit, counted, missing=insured and PriceKind.BHYT not in prices)
