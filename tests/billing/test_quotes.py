"""A price beside an order: of its day before the charge follows, as charged afterwards, none when none is in force."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.charges.quotes import unit_prices_of
from billing.charges.service import ChargeOrder, charge_order
from emr.api import OrderLine, PlaceOrders, place_orders
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.staff.api import Role
from tests.billing.builders import some_prices
from tests.emr.builders import a_hospital, a_visit, an_actor


async def an_order(session: AsyncSession, service: str) -> tuple[UUID, UUID, UUID]:
    """Place one order in a new visit; return its id, the episode and the patient."""
    now = utc_now()
    visit = await a_visit(session, now)
    line = OrderLine(id=new_id(), service_code=service)
    await place_orders(session, PlaceOrders(visit.id, [line]), actor=an_actor(Role.DOCTOR), now=now)
    return line.id, visit.episode_id, visit.patient_id


async def test_an_order_has_the_price_of_its_day_before_it_is_charged(session: AsyncSession) -> None:
    await a_hospital(session)
    await some_prices(session)
    order_id, episode_id, patient_id = await an_order(session, "XN01")
    before = await unit_prices_of(session, [order_id])
    assert before[order_id] > 0
    charge = ChargeOrder(
        order_id=order_id,
        episode_id=episode_id,
        patient_id=patient_id,
        service_code="XN01",
        service_name="Định lượng Glucose máu",
        group="1",
        quantity=1,
        payer="SELF_PAY",
        in_scope=True,
        on_demand=False,
        placed_at=utc_now(),
    )
    await charge_order(session, charge, now=utc_now())
    assert await unit_prices_of(session, [order_id]) == before


async def test_an_order_without_a_price_in_force_is_left_out(session: AsyncSession) -> None:
    await a_hospital(session)
    order_id, _, _ = await an_order(session, "XN01")
    assert await unit_prices_of(session, [order_id]) == {}


async def test_nothing_is_asked_for_no_orders(session: AsyncSession) -> None:
    assert await unit_prices_of(session, []) == {}
