"""/api/queues and /api/boards."""

from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy.ext.asyncio import AsyncSession

from emr.access import CLINICAL, READ
from emr.episodes.views import TicketView
from emr.queues.rules import TicketState
from emr.queues.service import board_of, call_again, call_next, move_ticket, queue_of
from emr.queues.views import BoardView, QueueView
from kernel.clock import utc_now
from kernel.refusals import act, reading, refusals
from kernel.staff.api import Actor


class QueueController(Controller):
    path = "/api"
    tags = ("queues",)

    @reading("/queues/{room:str}", "getQueue", READ)
    async def queue(self, room: FromPath[str], session: NamedDependency[AsyncSession]) -> QueueView:
        """Read today's queue of a room."""
        return await queue_of(session, room, now=utc_now())

    @post(
        "/queues/{room:str}/calls",
        operation_id="callNext",
        guards=CLINICAL,
        responses=refusals(401, 403, 404, 409),
    )
    async def call(
        self, room: FromPath[str], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> TicketView:
        """Call the next person (gọi số tiếp)."""
        return await call_next(session, room, actor=actor, now=utc_now())

    @post(
        "/tickets/{ticket_id:uuid}/calls",
        operation_id="callAgain",
        guards=CLINICAL,
        responses=refusals(401, 403, 404, 409),
    )
    async def again(
        self, ticket_id: FromPath[UUID], session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]
    ) -> TicketView:
        """Call the same number once more."""
        return await call_again(session, ticket_id, actor=actor, now=utc_now())

    @act("/tickets/{ticket_id:uuid}/absence", "markMissed", CLINICAL)
    async def missed(self, ticket_id: FromPath[UUID], session: NamedDependency[AsyncSession]) -> TicketView:
        """Note that the person called did not come (vắng mặt)."""
        return await move_ticket(session, ticket_id, TicketState.MISSED)

    @get("/boards/{area:str}", operation_id="getBoard", opt={"public": True})
    async def board(self, area: FromPath[str], session: NamedDependency[AsyncSession]) -> BoardView:
        """Read what the lobby's board shows: numbers and masked names only."""
        return await board_of(session, area, now=utc_now())
