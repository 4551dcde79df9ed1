"""/api/orders."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from emr.access import APPROVERS, CLINICAL, DOCTORS, READ, WORKERS
from emr.care_teams.service import require_care
from emr.orders.results import (
    approve_result,
    begin_order,
    finish_order,
    order_with_result,
    report_result,
    results_of,
)
from emr.orders.service import place_orders, void_order
from emr.orders.views import OrderView, PlaceOrders, ReportResult, ResultView, VoidOrder
from emr.orders.work import WorkLine, work_list
from kernel.audit.api import Action, Entry, record
from kernel.clock import local_day, utc_now
from kernel.refusals import act, reading, refusals
from kernel.staff.api import Actor


class OrderController(Controller):
    path = "/api/orders"
    tags = ("orders",)

    @post(operation_id="placeOrders", guards=CLINICAL, responses=refusals(401, 403, 404, 409, 422))
    async def place(
        self,
        data: JSONBody[PlaceOrders],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Sequence[OrderView]:
        """Order services for a visit (chỉ định)."""
        return await place_orders(session, data, actor=actor, now=utc_now())

    @get(operation_id="listWork", guards=WORKERS, responses=refusals(401, 403))
    async def work(
        self,
        session: NamedDependency[AsyncSession],
        room: FromQuery[str | None] = None,
        day: FromQuery[date | None] = None,
    ) -> Sequence[WorkLine]:
        """List what may be done now, and what was done on the day; never an order that waits for the till."""
        return await work_list(session, day=day or local_day(utc_now()), room=room)

    @reading("/{order_id:uuid}", "getOrder", READ)
    async def read(
        self, order_id: FromPath[UUID], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> OrderView:
        """Read an order with its last result."""
        return await _looked_at(session, order_id, actor)

    @reading("/{order_id:uuid}/results", "listResults", READ)
    async def results(
        self, order_id: FromPath[UUID], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> Sequence[ResultView]:
        """List every version of a result, the latest first."""
        await _looked_at(session, order_id, actor)
        return await results_of(session, order_id)

    @act("/{order_id:uuid}/begin", "beginOrder", WORKERS)
    async def begin(
        self, order_id: FromPath[UUID], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> OrderView:
        """Take an order up (lấy mẫu, bắt đầu làm)."""
        return await begin_order(session, order_id, actor=actor, now=utc_now())

    @act("/{order_id:uuid}/result", "reportResult", WORKERS, 422)
    async def report(
        self,
        order_id: FromPath[UUID],
        data: JSONBody[ReportResult],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> OrderView:
        """Report a result; it stays "chưa duyệt" until somebody else approves."""
        return await report_result(session, order_id, data, actor=actor, now=utc_now())

    @act("/{order_id:uuid}/approval", "approveResult", APPROVERS, 422)
    async def approve(
        self, order_id: FromPath[UUID], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> OrderView:
        """Approve the last version of a result (duyệt kết quả)."""
        return await approve_result(session, order_id, actor=actor, now=utc_now())

    @act("/{order_id:uuid}/completion", "finishOrder", WORKERS)
    async def finish(
        self, order_id: FromPath[UUID], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> OrderView:
        """End an order that has no result to report."""
        return await finish_order(session, order_id, actor=actor, now=utc_now())

    @act("/{order_id:uuid}/void", "voidOrder", DOCTORS)
    async def void(
        self,
        order_id: FromPath[UUID],
        data: JSONBody[VoidOrder],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> OrderView:
        """Cancel an order nobody has begun (hủy chỉ định)."""
        return await void_order(session, order_id, data, actor=actor, now=utc_now())


async def _looked_at(session: AsyncSession, order_id: UUID, actor: Actor) -> OrderView:
    """Return an order to who cares for the person, and write the look down. Raises NoSuchOrder, NotYourPatient."""
    order = await order_with_result(session, order_id)
    broken = await require_care(session, actor, order.visit_id, now=utc_now())
    detail = {"emergency": str(broken)} if broken else {}
    await record(session, Entry(Action.VIEW, f"emr.order:{order_id}", order.patient_id, detail=detail), actor)
    return order
