"""Pages of the workbench's rooms: choose one, see its queue, call the next."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, get, post
from litestar.datastructures import Cookie, State
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, ServerSentEvent, Template
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import NobodyWaits, call_next, list_rooms
from emr.workbench.queue import queue_panel
from kernel.clock import utc_now
from kernel.live import stream
from kernel.services import Services
from kernel.staff.api import Actor, Role, needs

ROOM_COOKIE = "lanh_room"
EXAM_ROOMS = ("EXAM", "EMERGENCY")
AppRequest = Request[Any, Any, State]


class RoomPages(Controller):
    path = "/workbench"
    guards = (needs(Role.DOCTOR),)
    include_in_schema = False

    @get()
    async def rooms(
        self, request: AppRequest, session: NamedDependency[AsyncSession], every: FromQuery[bool] = False
    ) -> Template | Redirect:
        """Go to the room the doctor sat in last, or let them choose."""
        rooms = await list_rooms(session, kinds=EXAM_ROOMS)
        last = request.cookies.get(ROOM_COOKIE, "")
        if not every and last in [room.code for room in rooms]:
            return Redirect(f"/workbench/rooms/{last}", status_code=303)
        return Template("emr/workbench/rooms.html", context={"rooms": rooms})

    @get("/rooms/{room:str}")
    async def room(
        self,
        request: AppRequest,
        room: FromPath[str],
        session: NamedDependency[AsyncSession],
        nobody: FromQuery[bool] = False,
        finished: FromQuery[str] = "",
    ) -> Template:
        context = {
            "queue": await queue_panel(session, room, now=utc_now()),
            "rooms": tuple(await list_rooms(session, kinds=EXAM_ROOMS)),
            "open_visit": "",
            "nobody": nobody,
            "finished": finished[:4],
        }
        return Template("emr/workbench/room.html", context=context, cookies=_room_cookies(request, room))

    @get("/rooms/{room:str}/queue")
    async def queue(
        self, room: FromPath[str], session: NamedDependency[AsyncSession], open_visit: FromQuery[str] = ""
    ) -> Template:
        """The list alone, for a page that was told it changed."""
        panel = await queue_panel(session, room, now=utc_now())
        return Template("emr/workbench/_queue.html", context={"queue": panel, "open_visit": open_visit})

    @get("/rooms/{room:str}/live")
    async def live(
        self, room: FromPath[str], services: NamedDependency[Services], visit: FromQuery[UUID | None] = None
    ) -> ServerSentEvent:
        """News of the room's queue and, with a visit open, of its orders and results."""
        topics = [f"queue:{room}"] + ([f"visit:{visit}"] if visit else [])
        return stream(services.wake, *topics)

    @post("/rooms/{room:str}/call")
    async def call(
        self,
        room: FromPath[str],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Redirect:
        """Call the next number and begin the exam."""
        now = utc_now()
        try:
            ticket = await call_next(session, room, actor=actor, now=now)
        except NobodyWaits:
            return Redirect(f"/workbench/rooms/{room}?nobody=true", status_code=303)
        return Redirect(f"/workbench/visits/{ticket.visit_id}", status_code=303)


def _room_cookies(request: AppRequest, room: str) -> list[Cookie]:
    """Return what makes the browser come back to this room: nothing when it does already."""
    if request.cookies.get(ROOM_COOKIE) == room:
        return []
    return [
        Cookie(
            key=ROOM_COOKIE, value=room, httponly=True, samesite="lax", max_age=31_536_000, path="/workbench"
        )
    ]
