"""Load prices and look one up."""

from collections.abc import Iterable
from datetime import date

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.prices.models import PriceRow
from billing.prices.rules import Price, PriceKind, price_on
from kernel.ids import new_id
from kernel.money import Vnd


class NewPrice(Struct, frozen=True):
    """A price of one kind from a day on, in whole đồng."""

    service_code: str
    kind: PriceKind
    amount: Vnd
    valid_from: date
    valid_to: date | None = None


async def add_prices(session: AsyncSession, prices: Iterable[NewPrice]) -> None:
    """Add prices; one already known for the same service, kind and first day stays as it is."""
    rows = [
        {
            "id": new_id(),
            "service_code": price.service_code,
            "kind": price.kind,
            "amount": price.amount,
            "valid_from": price.valid_from,
            "valid_to": price.valid_to,
        }
        for price in prices
    ]
    if rows:
        await session.execute(
            insert(PriceRow).on_conflict_do_nothing(index_elements=["service_code", "kind", "valid_from"]),
            rows,
        )


async def prices_of(session: AsyncSession, service_code: str, day: date) -> dict[PriceKind, Vnd]:
    """Return the prices of a service in force on a day, by kind."""
    query = select(PriceRow).where(PriceRow.service_code == service_code, PriceRow.valid_from <= day)
    by_kind: dict[PriceKind, list[Price]] = {}
    for row in await session.scalars(query):
        by_kind.setdefault(PriceKind(row.kind), []).append(Price(row.amount, row.valid_from, row.valid_to))
    found = {kind: price_on(prices, day) for kind, prices in by_kind.items()}
    return {kind: price.amount for kind, price in found.items() if price is not None}
