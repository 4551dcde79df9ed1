"""`POST /webhooks/{provider}`."""

from typing import Any

from litestar import Controller, Request, Response, post
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.params import FromPath

from billing.notices.service import (
    Delivery,
    NoticeConflicts,
    NoticeForged,
    NoticeUnreadable,
    Outcome,
)
from billing.settings import BillingSettings
from billing.webhooks.service import match_at_once, take_notice
from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.staff.api import client_ip

_REFUSALS = {
    Outcome.FORGED: NoticeForged,
    Outcome.UNREADABLE: NoticeUnreadable,
    Outcome.CONFLICT: NoticeConflicts,
}


class WebhookController(Controller):
    path = "/webhooks"
    opt = {"public": True}  # The signature is the guard.

    @post("/{provider:str}", status_code=200, operation_id="takeBankNotice", request_max_body_size=65_537)
    async def take(
        self,
        request: Request[Any, Any, Any],
        provider: FromPath[str],
        sessions: NamedDependency[Sessions],
        billing_settings: NamedDependency[BillingSettings],
    ) -> Response[dict[str, bool]]:
        """Take a bank notice (thông báo biến động số dư): stored first, then believed or refused."""
        delivery = Delivery(
            provider=provider,
            raw=await request.body(),
            headers={name.lower(): value for name, value in request.headers.items()},
            ip=client_ip(request),
        )
        result = await take_notice(sessions, delivery, settings=billing_settings, now=utc_now())
        if refusal := _REFUSALS.get(result.outcome):
            raise refusal(result.detail)
        task = None
        if result.transaction_id is not None:
            task = BackgroundTask(match_at_once, sessions, result.transaction_id, settings=billing_settings)
        return Response({"success": True}, background=task)
