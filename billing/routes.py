"""Controllers of billing, assembled by hospital."""

from litestar.types import ControllerRouterHandler

ROUTES: list[ControllerRouterHandler] = []
