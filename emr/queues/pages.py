"""Boards of the lobby: numbers and masked names, changed by push. Nobody signs in on a board."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import ServerSentEvent, Template
from sqlalchemy.ext.asyncio import AsyncSession

from emr.queues.service import board_of
from emr.queues.views import BoardView
from kernel.clock import utc_now
from kernel.live import stream
from kernel.problems import NotFound
from kernel.services import Services


class NoSuchBoard(NotFound):
    slug = "no-such-board"


async def _board(session: AsyncSession, area: str) -> BoardView:
    board = await board_of(session, area, now=utc_now())
    if not board.rooms:
        raise NoSuchBoard("Không có khu nào mang mã này. Hãy xem lại địa chỉ của bảng.")
    return board


class BoardPages(Controller):
    path = "/boards"
    opt = {"public": True}
    include_in_schema = False

    @get("/{area:str}")
    async def show(self, area: FromPath[str], session: NamedDependency[AsyncSession]) -> Template:
        return Template("emr/boards/board.html", context={"board": await _board(session, area)})

    @get("/{area:str}/state")
    async def state(self, area: FromPath[str], session: NamedDependency[AsyncSession]) -> Template:
        """What changes, for a board that was told so."""
        return Template("emr/boards/_state.html", context={"board": await _board(session, area)})

    @get("/{area:str}/live")
    async def live(self, area: FromPath[str], services: NamedDependency[Services]) -> ServerSentEvent:
        return stream(services.wake, f"board:{area}")
