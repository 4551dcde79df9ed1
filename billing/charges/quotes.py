"""What orders cost, for the screens and papers that name a price beside an order."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Uuid

from billing.charges.models import Charge
from billing.charges.rules import charge_prices
from billing.prices.service import prices_of
from kernel.clock import local_day
from kernel.money import Vnd

ORDERS = text(
    "SELECT id, service_code, payer, in_scope, on_demand, placed_at FROM emr_v_order WHERE id = ANY(:ids)"
).bindparams(bindparam("ids", type_=ARRAY(Uuid())))


async def unit_prices_of(session: AsyncSession, order_ids: Sequence[UUID]) -> dict[UUID, Vnd]:
    """Return the unit price of each order: as charged, else (the charge follows in a moment) of its day.

    An order without a price in force is left out.
    """
    charged = await session.execute(
        select(Charge.order_id, Charge.unit_price).where(
            Charge.order_id.in_(order_ids), Charge.price_missing.is_(False)
        )
    )
    found: dict[UUID, Vnd] = {row.order_id: row.unit_price for row in charged}
    waiting = [order_id for order_id in order_ids if order_id not in found]
    if not waiting:
        return found
    for order in await session.execute(ORDERS, {"ids": waiting}):
        prices = charge_prices(
            await prices_of(session, order.service_code, local_day(order.placed_at)),
            payer=order.payer,
            in_scope=order.in_scope,
            on_demand=order.on_demand,
        )
        if not prices.missing:
            found[order.id] = prices.unit_price
    return found
