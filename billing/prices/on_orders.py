"""What an order costs, told to the phiếu chỉ định: the price it is charged at, with no charge needed yet."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.charges.rules import charge_prices
from billing.prices.service import prices_of
from emr.api import orders_by_id, provide_prices
from kernel.clock import local_day
from kernel.money import Vnd


@provide_prices
async def prices_of_orders(session: AsyncSession, order_ids: Sequence[UUID]) -> dict[UUID, Vnd]:
    """Return unit prices by order id; an order whose price is missing is left out."""
    found: dict[UUID, Vnd] = {}
    for order in await orders_by_id(session, list(order_ids)):
        prices = charge_prices(
            await prices_of(session, order.service_code, local_day(order.placed_at)),
            payer=order.payer,
            in_scope=order.in_scope,
            on_demand=order.on_demand,
        )
        if not prices.missing:
            found[order.id] = prices.unit_price
    return found
