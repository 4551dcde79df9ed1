"""Cash at the till: first the amount and the change to give back, then the booking, once."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Template
from sqlalchemy.ext.asyncio import AsyncSession

from billing.requests.service import amount_asked
from billing.settings import BillingSettings
from billing.till.pages import account_context, asked_of, shift_at_till, take_money
from kernel.problems import Problem, Refused
from kernel.settings import KernelSettings
from kernel.staff.api import Actor, Role, needs
from kernel.web.forms import Form, typed_amount

_OF_THE_DIALOG = ("received", "expected", "_csrf_token")


class TooLittleHanded(Refused):
    slug = "too-little-handed"


class CashPages(Controller):
    path = "/till/{episode_id:uuid}/cash"
    guards = [needs(Role.CASHIER, Role.ACCOUNTANT)]
    include_in_schema = False

    @post("/confirmation", status_code=200)
    async def confirm(
        self,
        episode_id: FromPath[UUID],
        data: URLEncodedBody[Form],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        kernel_settings: NamedDependency[KernelSettings],
        billing_settings: NamedDependency[BillingSettings],
    ) -> Template:
        """Ask before anything is booked: what will be taken, what was handed over, what to give back."""
        return await _ask(session, episode_id, data, actor, kernel_settings, billing_settings)

    @post()
    async def take(
        self,
        episode_id: FromPath[UUID],
        data: URLEncodedBody[Form],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        kernel_settings: NamedDependency[KernelSettings],
        billing_settings: NamedDependency[BillingSettings],
    ) -> Response[Any]:
        """Book the cash for the chosen lines, or as a tạm ứng; the same form again books nothing more."""
        try:
            _require_enough(data)
        except Problem as refusal:
            return await _ask(
                session, episode_id, data, actor, kernel_settings, billing_settings, refusal=refusal
            )
        return await take_money(
            session, episode_id, data, actor, kernel_settings, billing_settings, cash=True
        )


def _require_enough(form: Form) -> None:
    """Raises TooLittleHanded, BadAmount. An empty field says that the sum was handed over to the đồng."""
    if not form.get("received", "").strip():
        return
    if typed_amount(form, "received") < typed_amount(form, "expected"):
        raise TooLittleHanded("Khách đưa chưa đủ số phải thu.", field="received")


async def _ask(
    session: AsyncSession,
    episode_id: UUID,
    form: Form,
    actor: Actor,
    kernel: KernelSettings,
    settings: BillingSettings,
    *,
    refusal: Problem | None = None,
) -> Template:
    context = await account_context(session, episode_id, actor, kernel, settings, refusal=refusal, form=form)
    try:
        command = asked_of(form, episode_id, await shift_at_till(session, actor))
        context["cash"] = command.deposit or amount_asked(context["bill"], command)
        context["cash_form"] = {name: form[name] for name in form if name not in _OF_THE_DIALOG}
    except Problem as problem:
        context["refusal"] = refusal = problem
    return Template("billing/account.html", context=context, status_code=422 if refusal else 200)
