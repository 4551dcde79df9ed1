"""Cards that were taken unseen, at the kiosk or while the portal was down: look them up, one by one."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, ServerSentEvent, Template
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.service import visit_header
from emr.episodes.views import CardCheck
from emr.reception.forms import InvalidForm, read_card
from emr.reception.pages import ROUTES
from emr.visits.cards import CARD_TOPIC, CheckCard, cards_to_check, check_card
from emr.visits.service import get_visit
from emr.words import PAYER, SEX
from kernel.audit.api import Action, Entry, record
from kernel.clock import format_day, utc_now
from kernel.live import stream
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor, Role, needs

Form = dict[str, str]


class CardPages(Controller):
    path = "/reception/cards"
    guards = (needs(Role.RECEPTION, Role.NURSE),)
    include_in_schema = False

    @get()
    async def waiting(self, session: NamedDependency[AsyncSession]) -> Template:
        """List the BHYT visits whose card waits for a look-up."""
        rows = await cards_to_check(session, now=utc_now())
        return Template("emr/reception/cards.html", context={"rows": rows})

    @get("/rows")
    async def rows(self, session: NamedDependency[AsyncSession]) -> Template:
        """The table alone, for a page that was told it changed."""
        rows = await cards_to_check(session, now=utc_now())
        return Template("emr/reception/_cards.html", context={"rows": rows})

    @get("/count", media_type=MediaType.TEXT)
    async def count(self, session: NamedDependency[AsyncSession]) -> str:
        """How many wait; empty for none."""
        return str(len(await cards_to_check(session, now=utc_now())) or "")

    @get("/live")
    async def live(self, services: NamedDependency[Services]) -> ServerSentEvent:
        """Tell the list when a card came or was checked."""
        return stream(services.wake, CARD_TOPIC)

    @get("/{visit_id:uuid}")
    async def form(
        self,
        visit_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Template:
        """Ask what the portal says of one card."""
        visit = await get_visit(session, visit_id)
        entry = Entry(Action.VIEW, f"emr.visit:{visit_id}", visit.patient_id, "Tra cứu thẻ BHYT")
        await record(session, entry, actor)
        return await _page(session, visit_id, _typed(visit.insurance))

    @post("/{visit_id:uuid}")
    async def check(
        self,
        visit_id: FromPath[UUID],
        data: URLEncodedBody[Form],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Response[Any]:
        """Write the result down, or let the person pay without a card."""
        now = utc_now()
        try:
            without = data.get("result") == "none"
            card = None if without else read_card({**data, "portal_down": ""}, now=now)
            command = CheckCard(card, data.get("no_card_reason", "").strip() if without else "")
            async with session.begin_nested():
                await check_card(session, visit_id, command, actor=actor, now=now)
        except InvalidForm as refusal:
            return await _page(session, visit_id, data, refusal.errors)
        except Problem as problem:
            field = {"insurance": "valid_to", "reason": "no_card_reason"}.get(
                problem.field or "", problem.field
            )
            return await _page(session, visit_id, data, {field or "card_number": problem.detail})
        return Redirect("/reception/cards", status_code=303)


def _typed(card: CardCheck | None) -> Form:
    if card is None:
        return {}
    days = {
        name: format_day(day)
        for name in ("valid_from", "valid_to", "five_years_from")
        if (day := getattr(card, name)) is not None
    }
    names = ("card_number", "facility_code", "benefit_level", "route", "reply_code")
    return {name: getattr(card, name) for name in names} | days


async def _page(
    session: AsyncSession, visit_id: UUID, form: Form, errors: dict[str, str] | None = None
) -> Template:
    context = {
        "header": await visit_header(session, visit_id),
        "visit": await get_visit(session, visit_id),
        "form": form,
        "errors": errors or {},
        "routes": ROUTES,
        "sex": SEX,
        "payer_words": PAYER,
    }
    return Template("emr/reception/card.html", context=context, status_code=422 if errors else 200)
