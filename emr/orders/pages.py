"""The work list of technicians: take orders up, report, approve."""

from typing import Any
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, ServerSentEvent, Template
from sqlalchemy.ext.asyncio import AsyncSession

from emr.access import WORKERS
from emr.orders.results import approve_result, begin_order, finish_order, report_result
from emr.orders.rules import STATE_WORDS, OrderState
from emr.orders.views import ReportResult
from emr.orders.work import work_list
from emr.places.service import get_room, list_rooms
from emr.words import ORDER_PRIORITY, SEX
from kernel.clock import local_day, utc_now
from kernel.ids import new_id
from kernel.live import stream
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor

FormBody = URLEncodedBody[dict[str, str]]
Session = NamedDependency[AsyncSession]
Who = NamedDependency[Actor]
WORK_ROOMS = ("LAB", "IMAGING", "FUNCTION", "PROCEDURE")
NO_RESULT = ("PROCEDURE", "EXAM")


class WorkPages(Controller):
    path = "/orders"
    guards = WORKERS
    include_in_schema = False

    @get()
    async def rooms(self, session: Session, actor: Who) -> Redirect:
        """Go to the first room of the person's own department, else to the first one."""
        rooms = await list_rooms(session, kinds=WORK_ROOMS)
        mine = [room for room in rooms if room.department_code == actor.department]
        return Redirect(f"/orders/rooms/{(mine or rooms)[0].code}" if rooms else "/patients", status_code=303)

    @get("/rooms/{room:str}")
    async def work(self, room: FromPath[str], session: Session, actor: Who) -> Template:
        return await work_page(session, room, actor)

    @get("/rooms/{room:str}/lines")
    async def lines(self, room: FromPath[str], session: Session, actor: Who) -> Template:
        """The list alone, for a page that was told it changed."""
        context = await _work(session, room, actor)
        return Template("emr/orders/_lines.html", context=context)

    @get("/rooms/{room:str}/live")
    async def live(self, room: FromPath[str], services: NamedDependency[Services]) -> ServerSentEvent:
        return stream(services.wake, f"orders:{room}")

    @post("/rooms/{room:str}/{order_id:uuid}/begin")
    async def begin(
        self, room: FromPath[str], order_id: FromPath[UUID], session: Session, actor: Who
    ) -> Template | Redirect:
        """Take an order up (lấy mẫu)."""
        try:
            async with session.begin_nested():
                await begin_order(session, order_id, actor=actor, now=utc_now())
        except Problem as problem:
            return await work_page(session, room, actor, {str(order_id): problem.detail})
        return Redirect(f"/orders/rooms/{room}", status_code=303)

    @post("/rooms/{room:str}/{order_id:uuid}/result")
    async def report(
        self, room: FromPath[str], order_id: FromPath[UUID], data: FormBody, session: Session, actor: Who
    ) -> Template | Redirect:
        """Report a result, or end an order that has none."""
        now = utc_now()
        command = ReportResult(
            id=UUID(data.get("id", "") or str(new_id())),
            text=data.get("text", "")[:4_000],
            value=data.get("value", "").strip() or None,
            unit=data.get("unit", "")[:40],
            reason=data.get("reason", "")[:500],
        )
        try:
            async with session.begin_nested():
                if data.get("done"):
                    await finish_order(session, order_id, actor=actor, now=now)
                else:
                    await report_result(session, order_id, command, actor=actor, now=now)
        except Problem as problem:
            return await work_page(session, room, actor, {str(order_id): problem.detail}, typed=data)
        return Redirect(f"/orders/rooms/{room}", status_code=303)

    @post("/rooms/{room:str}/{order_id:uuid}/approval")
    async def approve(
        self, room: FromPath[str], order_id: FromPath[UUID], session: Session, actor: Who
    ) -> Template | Redirect:
        """Approve a result somebody else reported."""
        try:
            async with session.begin_nested():
                await approve_result(session, order_id, actor=actor, now=utc_now())
        except Problem as problem:
            return await work_page(session, room, actor, {str(order_id): problem.detail})
        return Redirect(f"/orders/rooms/{room}", status_code=303)


async def work_page(
    session: AsyncSession,
    room: str,
    actor: Actor,
    errors: dict[str, str] | None = None,
    *,
    typed: dict[str, str] | None = None,
) -> Template:
    context = await _work(session, room, actor)
    summary = {f"value-{order}": text for order, text in (errors or {}).items()}
    context |= {"errors": errors or {}, "typed": typed or {}, "summary": summary}
    return Template("emr/orders/work.html", context=context, status_code=422 if errors else 200)


async def _work(session: AsyncSession, room: str, actor: Actor) -> dict[str, Any]:
    lines = await work_list(session, day=local_day(utc_now()), room=room)
    groups = {state: [line for line in lines if line.state is state] for state in OrderState}
    return {
        "room": await get_room(session, room),
        "rooms": await list_rooms(session, kinds=WORK_ROOMS),
        "doing": groups[OrderState.DOING],
        "waiting": groups[OrderState.RELEASED],
        "reported": groups[OrderState.REPORTED],
        "done": groups[OrderState.DONE],
        "errors": {},
        "typed": {},
        "me": actor.name,
        "no_result": NO_RESULT,
        "words": STATE_WORDS,
        "sex": SEX,
        "priority_words": ORDER_PRIORITY,
        "new_id": new_id,
    }
