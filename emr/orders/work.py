"""Lists of orders: of a visit, of an episode, of a room's day of work."""

from datetime import date
from uuid import UUID

from msgspec import Struct, convert
from sqlalchemy import ARRAY, Select, Uuid, any_, bindparam, case, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.orders.models import Order
from emr.orders.results import last_results, with_results
from emr.orders.rules import OrderState, Priority
from emr.orders.service import COLUMNS, ORDERS
from emr.orders.views import OrderView, ResultView
from emr.patients.models import Patient
from kernel.clock import Instant, day_bounds
from kernel.statements import Statement

_MOST = 200
_OF_VISITS = Statement(
    select(*COLUMNS).where(ORDERS.c.visit_id == any_(bindparam("visits", type_=ARRAY(Uuid))))
)


class WorkLine(Struct, frozen=True):
    """One order on a technician's list."""

    id: UUID
    number: str
    patient_id: UUID
    patient_code: str
    name: str
    birth_date: date
    sex: str
    service_code: str
    service_name: str
    quantity: int
    priority: Priority
    setting: str
    state: OrderState
    room: str | None
    note: str
    ordered_by: str
    placed_at: Instant
    performed_at: Instant | None
    reported_at: Instant | None
    result: ResultView | None = None


async def orders_of_visit(session: AsyncSession, visit_id: UUID) -> list[OrderView]:
    """Return a visit's orders with their last results, in the order they were placed."""
    return await _orders(session, select(*COLUMNS).where(ORDERS.c.visit_id == visit_id))


async def orders_of_visits(session: AsyncSession, visit_ids: list[UUID]) -> list[OrderView]:
    """Return the orders of several visits without results: to count what is done."""
    if not visit_ids:
        return []
    return convert(await _OF_VISITS.rows(session, visits=visit_ids), list[OrderView])


async def orders_of_episode(session: AsyncSession, episode_id: UUID) -> list[OrderView]:
    """Return all orders of a đợt khám chữa bệnh with their last results."""
    return await _orders(session, select(*COLUMNS).where(ORDERS.c.episode_id == episode_id))


async def orders_of_patient(session: AsyncSession, patient_id: UUID, *, limit: int = 50) -> list[OrderView]:
    """Return a person's latest orders with their last results."""
    statement = select(*COLUMNS).where(ORDERS.c.patient_id == patient_id)
    rows = await session.execute(
        statement.order_by(ORDERS.c.placed_at.desc(), ORDERS.c.id.desc()).limit(limit)
    )
    return await with_results(session, [convert(row._asdict(), OrderView) for row in rows])


async def _orders(session: AsyncSession, statement: Select[tuple[object, ...]]) -> list[OrderView]:
    rows = await session.execute(statement.order_by(ORDERS.c.placed_at, ORDERS.c.id))
    return await with_results(session, [convert(row._asdict(), OrderView) for row in rows])


async def work_list(
    session: AsyncSession, *, day: date, room: str | None = None, kinds: tuple[str, ...] = ()
) -> list[WorkLine]:
    """Return what may be done now, and what was done on the day: never an order that waits for the till.

    Emergencies first, then urgent ones, then by the time of ordering.
    """
    begin, end = day_bounds(day)
    finished = (Order.performed_at >= begin) & (Order.performed_at < end)
    finished &= Order.state.in_([OrderState.REPORTED.value, OrderState.DONE.value])
    open_now = Order.state.in_([OrderState.RELEASED.value, OrderState.DOING.value])
    columns = [
        getattr(Order, {"room": "room_code", "ordered_by": "ordered_name"}.get(name, name)).label(name)
        for name in WorkLine.__struct_fields__
        if name not in ("patient_code", "name", "birth_date", "sex", "result")
    ]
    statement = (
        select(*columns, Patient.code.label("patient_code"), Patient.name, Patient.birth_date, Patient.sex)
        .join(Patient, Patient.id == Order.patient_id)
        .where(or_(open_now, finished))
    )
    if room:
        statement = statement.where(Order.room_code == room)
    if kinds:
        statement = statement.where(Order.kind.in_(kinds))
    weight = case((Order.priority == "EMERGENCY", 0), (Order.priority == "URGENT", 1), else_=2)
    rows = (await session.execute(statement.order_by(weight, Order.placed_at).limit(_MOST))).all()
    results = await last_results(session, [row.id for row in rows])
    return [convert(row._asdict() | {"result": results.get(row.id)}, WorkLine) for row in rows]
