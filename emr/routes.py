"""Controllers of emr, assembled by hospital."""

from litestar.types import ControllerRouterHandler

from emr.workbench.room_pages import RoomPages
from emr.workbench.search import SearchPages

ROUTES: list[ControllerRouterHandler] = [RoomPages, SearchPages]
