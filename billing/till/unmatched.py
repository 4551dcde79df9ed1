"""The work list of money without an owner: propose, and let another person confirm."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Template
from sqlalchemy.ext.asyncio import AsyncSession

from billing.matching.attach import Decide, Propose, decide, open_proposals, propose, suggestions
from billing.matching.rules import STATE_WORDS
from billing.matching.service import lock_transaction, open_transactions, transaction_view
from billing.settings import BillingSettings
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.problems import Problem, Refused
from kernel.staff.api import Actor, Role, needs

PAGE, FORM = "billing/unmatched.html", "billing/propose.html"


class ReasonMissing(Refused):
    slug = "match-reason-missing"


class UnmatchedPages(Controller):
    path = "/till/unmatched"
    guards = [needs(Role.CASHIER, Role.ACCOUNTANT)]
    include_in_schema = False

    @get()
    async def show(self, session: NamedDependency[AsyncSession], actor: NamedDependency[Actor]) -> Template:
        """Show money without an owner, with hints."""
        return Template(PAGE, context=await _context(session, actor))

    @get("/{transaction_id:uuid}")
    async def form(self, transaction_id: FromPath[UUID], session: NamedDependency[AsyncSession]) -> Template:
        """Ask whose money it is."""
        return Template(FORM, context=await _form(session, transaction_id))

    @post("/{transaction_id:uuid}")
    async def put_forward(
        self,
        transaction_id: FromPath[UUID],
        data: URLEncodedBody[dict[str, str]],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> Response[Any]:
        """Propose whose money it is."""
        try:
            if len(data.get("reason", "").strip()) < 3:
                raise ReasonMissing("Hãy ghi lý do: ai báo, đối chiếu với giấy tờ nào.", field="reason")
            given = {
                "id": data.get("id", ""),
                "transaction_id": str(transaction_id),
                "reference": data.get("reference", ""),
                "reason": data["reason"].strip(),
            }
            try:
                command = msgspec.convert(given, Propose)
            except msgspec.ValidationError:
                raise ReasonMissing(
                    "Biểu mẫu hỏng hoặc lý do quá dài. Hãy tải lại trang.", field="reason"
                ) from None
            async with session.begin_nested():
                await propose(session, command, actor=actor, now=utc_now())
        except Problem as refusal:
            context = await _form(session, transaction_id, refusal=refusal, form=data)
            return Template(FORM, context=context, status_code=422)
        return Redirect("/till/unmatched", status_code=303)

    @post("/proposals/{proposal_id:uuid}")
    async def decision(
        self,
        proposal_id: FromPath[UUID],
        data: URLEncodedBody[dict[str, str]],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        billing_settings: NamedDependency[BillingSettings],
    ) -> Response[Any]:
        """Confirm or reject a colleague's proposal."""
        command = Decide(confirm=data.get("confirm") == "yes")
        try:
            async with session.begin_nested():
                await decide(
                    session, proposal_id, command, actor=actor, settings=billing_settings, now=utc_now()
                )
        except Problem as refusal:
            context = await _context(session, actor, refusal=refusal)
            return Template(PAGE, context=context, status_code=422)
        return Redirect("/till/unmatched", status_code=303)


async def _form(
    session: AsyncSession,
    transaction_id: UUID,
    *,
    refusal: Problem | None = None,
    form: dict[str, str] | None = None,
) -> dict[str, Any]:
    return {
        "row": transaction_view(await lock_transaction(session, transaction_id)),
        "hints": await suggestions(session, transaction_id),
        "refusal": refusal,
        "form": form or {},
        "new_id": new_id(),
    }


async def _context(session: AsyncSession, actor: Actor, *, refusal: Problem | None = None) -> dict[str, Any]:
    proposals = {proposal.transaction_id: proposal for proposal in await open_proposals(session)}
    return {
        "transactions": await open_transactions(session),
        "proposals": proposals,
        "states": STATE_WORDS,
        "me": actor.id,
        "refusal": refusal,
    }
