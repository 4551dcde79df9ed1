"""Refunds on the till's pages: ask at an account, approve, pay out, close."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy.ext.asyncio import AsyncSession

from billing.bills.service import bill
from billing.care.service import people, person
from billing.receipts.service import receipts_of_episode
from billing.receipts.views import METHOD_WORDS, Method, ReceiptKind
from billing.refunds.payer import payers_of_episode
from billing.refunds.service import (
    APPROVERS,
    AskRefund,
    CloseRefund,
    DecideRefund,
    PayOut,
    ask_refund,
    close_refund,
    decide_refund,
    pay_out,
    refunds_of_episode,
    refunds_to_do,
)
from billing.settings import BillingSettings
from billing.shifts.service import shift_of
from kernel.audit.api import Action, Entry, record
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.problems import Problem
from kernel.staff.api import Actor, Role, needs
from kernel.web.forms import BadAmount, BrokenForm, Form, form_id, typed_amount

TILL = needs(Role.CASHIER, Role.ACCOUNTANT)
EVERYBODY = needs(Role.CASHIER, *APPROVERS)
SOURCES = {"DEPOSIT": "Tạm ứng còn lại", "EXCESS": "Tiền nộp thừa"}


class AskRefundPages(Controller):
    path = "/till/{episode_id:uuid}/refund"
    guards = [TILL]
    include_in_schema = False

    @get()
    async def form(
        self,
        episode_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        billing_settings: NamedDependency[BillingSettings],
    ) -> Template:
        """Say how much may be given back, and ask how."""
        context = await _form(session, episode_id, billing_settings, {"id": str(new_id())})
        entry = Entry(
            Action.VIEW, f"billing.account:{context['bill'].account_id}", context["bill"].patient_id
        )
        await record(session, entry, actor)
        return Template("billing/refund.html", context=context)

    @post()
    async def ask(
        self,
        episode_id: FromPath[UUID],
        data: URLEncodedBody[Form],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        billing_settings: NamedDependency[BillingSettings],
    ) -> Response[Any]:
        """Ask; another person approves."""
        try:
            async with session.begin_nested():
                command = _command(episode_id, data)
                await ask_refund(session, command, actor=actor, now=utc_now(), settings=billing_settings)
        except Problem as refusal:
            context = await _form(session, episode_id, billing_settings, data, refusal)
            return Template("billing/refund.html", context=context, status_code=422)
        return Redirect("/till/refunds", status_code=303)


def _command(episode_id: UUID, form: Form) -> AskRefund:
    amount = typed_amount(form, "amount")
    if amount == 0:
        raise BadAmount("Số tiền hoàn phải lớn hơn 0 đồng.", field="amount")
    if len(form.get("reason", "").strip()) < 3:
        raise BrokenForm("Ghi lý do hoàn: ra viện còn tạm ứng, nộp trùng …", field="reason")
    names = ("receipt_id", "source", "method", "to_bank", "to_account", "to_holder")
    given = {name: form.get(name, "").strip() for name in names}
    try:
        return msgspec.convert(
            given
            | {
                "id": str(form_id(form)),
                "episode_id": str(episode_id),
                "amount": amount,
                "reason": form["reason"].strip(),
            },
            AskRefund,
        )
    except msgspec.ValidationError:
        raise BrokenForm("Chọn phiếu thu, khoản hoàn và cách hoàn.", field="receipt_id") from None


async def _form(
    session: AsyncSession,
    episode_id: UUID,
    settings: BillingSettings,
    form: Form,
    refusal: Problem | None = None,
) -> dict[str, Any]:
    view = await bill(session, episode_id, now=utc_now(), settings=settings)
    receipts = [r for r in await receipts_of_episode(session, episode_id) if r.kind is not ReceiptKind.REFUND]
    who = await person(session, view.patient_id)
    payers = await payers_of_episode(session, episode_id)
    return {
        "bill": view,
        "person": who,
        "payer": next((payer for payer in payers if payer.may_receive(who.name)), None),
        "strangers": [payer for payer in payers if not payer.may_receive(who.name)],
        "receipts": [
            (str(r.id), f"{r.number} · {METHOD_WORDS[r.method]} · {r.amount:,} ₫".replace(",", "."))
            for r in receipts
        ],
        "refunds": await refunds_of_episode(session, episode_id),
        "sources": list(SOURCES.items()),
        "methods": [(method.value, words) for method, words in METHOD_WORDS.items()],
        "current": str(episode_id),
        "form": form,
        "refusal": refusal,
    }


class RefundPages(Controller):
    path = "/till/refunds"
    guards = [EVERYBODY]
    include_in_schema = False

    @get()
    async def show(self, session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]) -> Template:
        """List what waits to be approved, paid out or confirmed."""
        return Template("billing/refunds.html", context=await _list(session, actor))

    @post("/{refund_id:uuid}/decision", guards=[needs(*APPROVERS)])
    async def decide(
        self,
        refund_id: FromPath[UUID],
        data: URLEncodedBody[Form],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Response[Any]:
        """Approve or refuse."""
        command = DecideRefund(data.get("approve") == "yes", data.get("note", "")[:300])
        return await _do(decide_refund, session, refund_id, command, actor)

    @post("/{refund_id:uuid}/payment", guards=[TILL])
    async def pay(
        self,
        refund_id: FromPath[UUID],
        data: URLEncodedBody[Form],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Response[Any]:
        """Hand the cash over at my counter, or note the transfer made."""
        shift = await shift_of(session, actor)
        command = PayOut(shift.counter if shift else "", data.get("bank_reference", "")[:60])
        return await _do(pay_out, session, refund_id, command, actor)

    @post("/{refund_id:uuid}/closing", guards=[TILL])
    async def close(
        self,
        refund_id: FromPath[UUID],
        data: URLEncodedBody[Form],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Response[Any]:
        """Say what the bank's statement shows."""
        command = CloseRefund(data.get("confirmed") == "yes", data.get("failure", "")[:300])
        return await _do(close_refund, session, refund_id, command, actor)


async def _do(
    step: Callable[..., Awaitable[object]],
    session: AsyncSession,
    refund_id: UUID,
    command: object,
    actor: Actor,
) -> Response[Any]:
    """Take one step of a refund; a refusal is told above the list."""
    try:
        async with session.begin_nested():
            await step(session, refund_id, command, actor=actor, now=utc_now())
    except Problem as refusal:
        context = await _list(session, actor, refusal)
        return Template("billing/refunds.html", context=context, status_code=422)
    return Redirect("/till/refunds", status_code=303)


async def _list(session: AsyncSession, actor: Actor, refusal: Problem | None = None) -> dict[str, Any]:
    rows = await refunds_to_do(session)
    known = await people(session, {row.patient_id for row in rows})
    return {
        "rows": rows,
        "names": {row.patient_id: known[row.patient_id].name for row in rows if row.patient_id in known},
        "me": actor.id,
        "approves": actor.has(*APPROVERS),
        "pays": actor.has(Role.CASHIER, Role.ACCOUNTANT),
        "sources": SOURCES,
        "methods": {method.value: words for method, words in METHOD_WORDS.items()},
        "transfer": Method.TRANSFER.value,
        "refusal": refusal,
    }
