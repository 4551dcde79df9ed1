"""Cho nợ: the leader on duty lets care go on before payment."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from msgspec import ValidationError, convert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.access import LEADERS
from emr.episodes.views import Credit
from emr.orders.credit import credits_given, grant_credit, waiting_for_money
from emr.places.service import is_leader_on_duty
from kernel.clock import Instant, utc_now
from kernel.problems import Problem
from kernel.staff.api import Actor
from kernel.web.forms import Form


class CreditPages(Controller):
    path = "/credits"
    guards = LEADERS
    include_in_schema = False

    @get()
    async def show(self, session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]) -> Template:
        """List whose orders wait for the till, and who was let go on."""
        return Template("emr/orders/credits.html", context=await _context(session, actor, utc_now()))

    @post("/{episode_id:uuid}")
    async def grant(
        self,
        episode_id: FromPath[UUID],
        data: URLEncodedBody[Form],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Response[Any]:
        """Let an episode go on, with the reason."""
        now = utc_now()
        try:
            command = convert({"reason": data.get("reason", "").strip()}, Credit)
            async with session.begin_nested():
                await grant_credit(session, episode_id, command, actor=actor, now=now)
        except ValidationError:
            errors = {f"reason-{episode_id}": "Ghi lý do cho nợ, từ 3 ký tự."}
            return await _refused(session, actor, now, errors)
        except Problem as refusal:
            return await _refused(session, actor, now, {"": refusal.detail})
        return Redirect("/credits", status_code=303)


async def _refused(session: AsyncSession, actor: Actor, now: Instant, errors: dict[str, str]) -> Template:
    context = await _context(session, actor, now) | {"errors": errors}
    return Template("emr/orders/credits.html", context=context, status_code=422)


async def _context(session: AsyncSession, actor: Actor, now: Instant) -> dict[str, Any]:
    return {
        "rows": await waiting_for_money(session, now=now),
        "given": await credits_given(session, now=now),
        "on_duty": await is_leader_on_duty(session, actor.id, at=now),
        "errors": {},
    }
