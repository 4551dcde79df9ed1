"""/api/billing/refunds."""

from collections.abc import Sequence
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from billing.refunds.service import (
    APPROVERS,
    AskRefund,
    CloseRefund,
    DecideRefund,
    PayOut,
    RefundView,
    ask_refund,
    close_refund,
    decide_refund,
    pay_out,
    refunds_to_do,
)
from billing.settings import BillingSettings
from kernel.clock import utc_now
from kernel.refusals import act, refusals
from kernel.staff.api import Actor, Role, needs

TILL = needs(Role.CASHIER, Role.ACCOUNTANT)


class RefundController(Controller):
    path = "/api/billing/refunds"
    tags = ("refunds",)

    @get(operation_id="listRefunds", guards=[needs(Role.CASHIER, *APPROVERS)], responses=refusals(401, 403))
    async def waiting(self, session: NamedDependency[AsyncSession]) -> Sequence[RefundView]:
        """List the refunds that wait for somebody, then the last ones closed."""
        return await refunds_to_do(session)

    @post(operation_id="askRefund", guards=[TILL], responses=refusals(401, 403, 404, 409, 422))
    async def ask(
        self,
        data: JSONBody[AskRefund],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        billing_settings: NamedDependency[BillingSettings],
    ) -> RefundView:
        """Ask to give money back (đề nghị hoàn ứng)."""
        return await ask_refund(session, data, actor=actor, now=utc_now(), settings=billing_settings)

    @act("/{refund_id:uuid}/decision", "decideRefund", [needs(*APPROVERS)], 422)
    async def decide(
        self,
        refund_id: FromPath[UUID],
        data: JSONBody[DecideRefund],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> RefundView:
        """Approve or refuse a colleague's request (duyệt)."""
        return await decide_refund(session, refund_id, data, actor=actor, now=utc_now())

    @act("/{refund_id:uuid}/payment", "payOutRefund", [TILL], 422)
    async def pay(
        self,
        refund_id: FromPath[UUID],
        data: JSONBody[PayOut],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> RefundView:
        """Hand the cash over, or note the transfer made (chi tiền)."""
        return await pay_out(session, refund_id, data, actor=actor, now=utc_now())

    @act("/{refund_id:uuid}/closing", "closeRefund", [TILL], 422)
    async def close(
        self,
        refund_id: FromPath[UUID],
        data: JSONBody[CloseRefund],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> RefundView:
        """Say what the bank's statement shows of the transfer."""
        return await close_refund(session, refund_id, data, actor=actor, now=utc_now())
