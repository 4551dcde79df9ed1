"""Boards of the lobby: numbers and masked names, changed by push. Nobody signs in on a board."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import ServerSentEvent, Template
from sqlalchemy.ext.asyncio import AsyncSession

from emr.queues.service import board_of
from kernel.clock import utc_now
from kernel.live import stream
from kernel.services import Services


class BoardPages(Controller):
    path = "/boards"
    opt = {"public": True}  # noqa: RUF012  (litestar reads it from the class)
    include_in_schema = False

    @get("/{area:str}")
    async def show(self, area: FromPath[str], session: NamedDependency[AsyncSession]) -> Template:
        board = await board_of(session, area, now=utc_now())
        return Template("emr/boards/board.html", context={"board": board})

    @get("/{area:str}/state")
    async def state(self, area: FromPath[str], session: NamedDependency[AsyncSession]) -> Template:
        """What changes, for a board that was told so."""
        board = await board_of(session, area, now=utc_now())
        return Template("emr/boards/_state.html", context={"board": board})

    @get("/{area:str}/live")
    async def live(self, area: FromPath[str], services: NamedDependency[Services]) -> ServerSentEvent:
        return stream(services.wake, f"board:{area}")
