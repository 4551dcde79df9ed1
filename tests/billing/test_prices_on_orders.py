"""The phiếu chỉ định prints what an order will be charged at."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from billing.prices.on_orders import prices_of_orders
from billing.prices.rules import PriceKind
from billing.prices.service import NewPrice, add_prices
from emr.orders.service import place_orders
from emr.orders.views import OrderLine, PlaceOrders
from emr.sheets.context import facts_of, read_chart
from kernel.ids import new_id
from tests.emr.builders import DOCTOR, LATER, NOW, a_hospital, a_visit


async def test_the_price_of_the_order_stands_on_its_paper(session: AsyncSession) -> None:
    await a_hospital(session)
    price = NewPrice(service_code="XN01", kind=PriceKind.FEE, amount=46_200, valid_from=date(2026, 1, 1))
    await add_prices(session, [price])
    visit = await a_visit(session)
    known, unknown = OrderLine(new_id(), "XN01", quantity=2), OrderLine(new_id(), "XN02")
    await place_orders(session, PlaceOrders(visit.id, [known]), actor=DOCTOR, now=NOW)
    facts = facts_of(await read_chart(session, visit.id, sheet_id=new_id(), now=LATER))
    assert facts["orders.lines"][0]["don_gia"] == "46.200"
    assert facts["orders.total"] == "92.400 ₫"
    await place_orders(session, PlaceOrders(visit.id, [unknown]), actor=DOCTOR, now=NOW)
    assert await prices_of_orders(session, [known.id, unknown.id]) == {known.id: 46_200}
    facts = facts_of(await read_chart(session, visit.id, sheet_id=new_id(), now=LATER))
    assert facts["orders.total"] == ""  # No total that leaves something out.
