"""REST of prices."""

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from billing.prices.service import NewPrice, add_prices
from kernel.audit.api import Action, Entry, record
from kernel.staff.api import Actor, Role, needs


class PriceController(Controller):
    path = "/api/billing/prices"
    guards = [needs(Role.ACCOUNTANT)]

    @post(operation_id="addPrices", status_code=204)
    async def add(
        self,
        data: JSONBody[list[NewPrice]],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> None:
        """Add prices from their first day on; one already known stays as it is."""
        await add_prices(session, data)
        entries = sorted({price.service_code for price in data})
        await record(session, Entry(Action.CREATE, "billing.price", detail={"services": entries}), actor)
