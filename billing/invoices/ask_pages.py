"""The cashier's form: in whose name the invoice of an episode is made out."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.service import account_of
from billing.care.service import person
from billing.invoices.content import Buyer, BuyerKind
from billing.invoices.planning import Planner
from billing.invoices.service import (
    AskInvoice,
    BuyerIncomplete,
    ask_invoice,
    buyer_warnings,
    invoices_of_episode,
    wish_of,
)
from billing.settings import BillingSettings
from kernel.clock import utc_now
from kernel.settings import KernelSettings
from kernel.staff.api import Actor, Role, needs

KINDS = ((BuyerKind.PERSON, "Cá nhân"), (BuyerKind.ORGANISATION, "Tổ chức"))
FIELDS = ("name", "tax_code", "budget_code", "address", "citizen_id", "email")
TOO_LONG = "Có ô dài quá mức cho phép."


class AskPages(Controller):
    path = "/episodes/{episode_id:uuid}/invoice"
    guards = [needs(Role.CASHIER, Role.ACCOUNTANT)]
    include_in_schema = False

    @get()
    async def form(self, episode_id: FromPath[UUID], session: NamedDependency[AsyncSession]) -> Template:
        """The invoices the episode has, and the form to ask for one."""
        return await _page(session, episode_id)

    @post()
    async def ask(
        self,
        episode_id: FromPath[UUID],
        data: URLEncodedBody[dict[str, str]],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        billing_settings: NamedDependency[BillingSettings],
        kernel_settings: NamedDependency[KernelSettings],
    ) -> Response[Any]:
        """Note the buyer; a settled episode gets its invoice at once."""
        buyer = typed_buyer(Buyer(), data)
        planner = Planner(kernel_settings.facility, billing_settings)
        try:
            msgspec.convert(msgspec.to_builtins(buyer), Buyer)
            async with session.begin_nested():
                command = AskInvoice(episode_id, buyer)
                await ask_invoice(session, command, planner=planner, actor=actor, now=utc_now())
        except BuyerIncomplete as refusal:
            errors = {refusal.field or "name": refusal.detail}
            return await _page(session, episode_id, buyer=buyer, errors=errors)
        except msgspec.ValidationError:
            return await _page(session, episode_id, buyer=buyer, errors={"name": TOO_LONG})
        return Redirect(f"/episodes/{episode_id}/invoice", status_code=303)


def typed_buyer(before: Buyer, data: dict[str, str]) -> Buyer:
    """Return the buyer with what was typed; an unknown kind is left to be refused."""
    kind = data.get("kind", "")
    typed = {name: data.get(name, "").strip() for name in FIELDS}
    known = BuyerKind(kind) if kind in set(BuyerKind) else BuyerKind.CONSUMER
    return msgspec.structs.replace(before, kind=known, **typed)


async def _page(
    session: AsyncSession,
    episode_id: UUID,
    *,
    buyer: Buyer | None = None,
    errors: dict[str, str] | None = None,
) -> Template:
    account = await account_of(session, episode_id)
    patient = await person(session, account.patient_id)
    wish = await wish_of(session, episode_id)
    shown = buyer or wish or Buyer(BuyerKind.PERSON, patient.name, customer_code=patient.code)
    context = {
        "episode_id": episode_id,
        "person": patient,
        "invoices": await invoices_of_episode(session, episode_id),
        "asked": wish is not None,
        "settled": account.state == "SETTLED",
        "buyer": shown,
        "kinds": KINDS,
        "warnings": buyer_warnings(shown),
        "errors": errors or {},
    }
    return Template("billing/invoice_ask.html", context=context, status_code=422 if errors else 200)
