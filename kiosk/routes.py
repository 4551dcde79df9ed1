"""Controllers of kiosk, assembled by hospital."""

from litestar.types import ControllerRouterHandler

ROUTES: list[ControllerRouterHandler] = []
