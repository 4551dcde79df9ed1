"""Orders from the doctor's desk: add one, void one, see what is paid and what came back."""

from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import OrderLine, PlaceOrders, VoidOrder, place_orders, start_visit, void_order
from emr.sheets.service import InvalidSheet
from emr.workbench.finish import write_order_slip
from emr.workbench.orders import VOID_REASONS, order_rows
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor, Role, needs

Form = URLEncodedBody[dict[str, str]]


class OrderPages(Controller):
    path = "/workbench/visits/{visit_id:uuid}"
    guards = (needs(Role.DOCTOR),)
    include_in_schema = False

    @post("/start")
    async def start(
        self,
        visit_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Redirect:
        """Begin the exam of a person who was called or walked in."""
        await start_visit(session, visit_id, actor=actor, now=utc_now())
        return Redirect(f"/workbench/visits/{visit_id}", status_code=303)

    @get("/orders")
    async def orders(self, visit_id: FromPath[UUID], session: NamedDependency[AsyncSession]) -> Template:
        return await orders_fragment(session, visit_id)

    @post("/orders", status_code=200)
    async def place(
        self,
        visit_id: FromPath[UUID],
        data: Form,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Template:
        """Order one service; a refusal is told above the list."""
        line = OrderLine(id=new_id(), service_code=data.get("service_code", ""))
        command = PlaceOrders(visit_id=visit_id, lines=[line])
        try:
            async with session.begin_nested():
                await place_orders(session, command, actor=actor, now=utc_now())
        except Problem as problem:
            return await orders_fragment(session, visit_id, refusal=problem.detail)
        return await orders_fragment(session, visit_id)

    @get("/orders/{order_id:uuid}/void")
    async def ask_void(
        self, visit_id: FromPath[UUID], order_id: FromPath[UUID], session: NamedDependency[AsyncSession]
    ) -> Template:
        rows = await order_rows(session, visit_id)
        name = next((row.name for row in rows if row.id == order_id), "")
        context = {"visit_id": visit_id, "order_id": order_id, "name": name, "reasons": VOID_REASONS}
        return Template("emr/workbench/_void.html", context=context)

    @post("/orders/{order_id:uuid}/void", status_code=200)
    async def void(
        self,
        visit_id: FromPath[UUID],
        order_id: FromPath[UUID],
        data: Form,
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Template:
        reason = data.get("reason") or VOID_REASONS[0][0]
        try:
            async with session.begin_nested():
                await void_order(session, order_id, VoidOrder(reason=reason), actor=actor, now=utc_now())
        except Problem as problem:
            answer = await orders_fragment(session, visit_id, refusal=problem.detail)
        else:
            answer = await orders_fragment(session, visit_id)
        answer.headers["HX-Trigger"] = "dialog:close"
        return answer

    @post("/order-slip")
    async def slip(
        self,
        visit_id: FromPath[UUID],
        services: NamedDependency[Services],
        actor: NamedDependency[Actor],
    ) -> Template | Redirect:
        """Put what was ordered on its slip and ask for the signature at once."""
        try:
            document_id = await write_order_slip(services, visit_id, actor=actor, now=utc_now())
        except InvalidSheet:
            refusal = "Ghi chẩn đoán trước: phiếu chỉ định cần chẩn đoán sơ bộ."
        except Problem as problem:
            refusal = problem.detail
        else:
            return Redirect(f"/sign/confirm?d={document_id}", status_code=303)
        async with services.sessions() as session:
            answer = await orders_fragment(session, visit_id, refusal=refusal)
        answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#orders", "outerHTML"
        return answer


async def orders_fragment(session: AsyncSession, visit_id: UUID, *, refusal: str = "") -> Template:
    rows = await order_rows(session, visit_id)
    context = {"visit_id": visit_id, "orders": rows, "editable": True, "refusal": refusal}
    return Template("emr/workbench/_orders.html", context=context)
