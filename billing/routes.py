"""Controllers of billing, assembled by hospital."""

from litestar.types import ControllerRouterHandler

from billing.webhooks.rest import WebhookController

ROUTES: list[ControllerRouterHandler] = [WebhookController]
