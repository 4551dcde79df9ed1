"""Controllers of patient_portal, assembled by hospital."""

from litestar.types import ControllerRouterHandler

ROUTES: list[ControllerRouterHandler] = []
