"""Controllers of signing, assembled by hospital."""

from litestar.types import ControllerRouterHandler

from signing.pages import SigningPages
from signing.rest import SigningController, verify_bytes
from signing.task_pages import TaskPages
from signing.verify_pages import VERIFY_ROUTES

ROUTES: list[ControllerRouterHandler] = [
    SigningController,
    SigningPages,
    TaskPages,
    verify_bytes,
    *VERIFY_ROUTES,
]
