"""Controllers of billing, assembled by hospital."""

from litestar.types import ControllerRouterHandler

from billing.requests.rest import RequestController
from billing.screens.pages import ScreenPages
from billing.till.pages import AccountPages, TillPages
from billing.till.rest import TillController
from billing.till.unmatched import UnmatchedPages
from billing.webhooks.rest import WebhookController

ROUTES: list[ControllerRouterHandler] = [
    AccountPages,
    RequestController,
    ScreenPages,
    TillController,
    TillPages,
    UnmatchedPages,
    WebhookController,
]
