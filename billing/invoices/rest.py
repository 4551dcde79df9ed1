"""Invoices over JSON."""

from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.planning import Planner
from billing.invoices.service import (
    AskInvoice,
    InvoiceView,
    Shown,
    ask_invoice,
    buyer_warnings,
    get_invoice,
    invoices_of_episode,
    list_invoices,
    resend_invoice,
)
from billing.settings import BillingSettings
from kernel.clock import utc_now
from kernel.settings import KernelSettings
from kernel.staff.api import Actor, Role, needs

Invoices = list[InvoiceView]


class Asked(Struct, frozen=True):
    """The invoice was asked for; `invoice_id` is there at once when the episode is settled."""

    invoice_id: UUID | None
    warnings: list[str]


class InvoiceController(Controller):
    path = "/api/invoices"
    guards = [needs(Role.CASHIER, Role.ACCOUNTANT)]

    @get(operation_id="listInvoices")
    async def show(
        self, session: NamedDependency[AsyncSession], shown: FromQuery[Shown] = Shown.STUCK
    ) -> Invoices:
        """Invoices of one group: stuck, waiting or done."""
        return await list_invoices(session, shown)

    @get("/{invoice_id:uuid}", operation_id="getInvoice")
    async def read(self, invoice_id: FromPath[UUID], session: NamedDependency[AsyncSession]) -> InvoiceView:
        """One invoice."""
        return await get_invoice(session, invoice_id)

    @get("/of-episode/{episode_id:uuid}", operation_id="listInvoicesOfEpisode")
    async def of_episode(
        self, episode_id: FromPath[UUID], session: NamedDependency[AsyncSession]
    ) -> Invoices:
        """The invoices made out for one episode alone."""
        return await invoices_of_episode(session, episode_id)

    @post(operation_id="askInvoice")
    async def ask(
        self,
        data: JSONBody[AskInvoice],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
        billing_settings: NamedDependency[BillingSettings],
        kernel_settings: NamedDependency[KernelSettings],
    ) -> Asked:
        """Note that a person wants an invoice of their own, and in whose name."""
        planner = Planner(kernel_settings.facility, billing_settings)
        invoice = await ask_invoice(session, data, planner=planner, actor=actor, now=utc_now())
        return Asked(invoice, buyer_warnings(data.buyer))

    @post("/{invoice_id:uuid}/sendings", operation_id="resendInvoice", status_code=202)
    async def resend(
        self,
        invoice_id: FromPath[UUID],
        session: NamedDependency[AsyncSession],
        actor: NamedDependency[Actor],
    ) -> InvoiceView:
        """Take an invoice up again; the provider is asked before anything is sent."""
        await resend_invoice(session, invoice_id, actor=actor)
        return await get_invoice(session, invoice_id)
