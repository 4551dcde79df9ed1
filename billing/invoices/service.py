"""Ask for an invoice, read invoices, take a stuck one up again."""

from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.service import account_of
from billing.invoices.content import Buyer, BuyerKind, Content
from billing.invoices.models import (
    Invoice,
    InvoiceDue,
    InvoiceEpisode,
    InvoiceEvent,
    InvoiceReceipt,
    InvoiceWish,
)
from billing.invoices.planning import ISSUE, IssueInvoice, Planner, plan_settled
from billing.invoices.rules import State, printed_number, tax_code_fits
from billing.receipts.models import Receipt
from billing.receipts.views import ReceiptKind
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.outbox.api import enqueue
from kernel.problems import Conflict, NotFound, Refused
from kernel.staff.api import Actor

PAGE = 100
ALARM_AFTER = timedelta(hours=24)


class AskInvoice(Struct, frozen=True, forbid_unknown_fields=True):
    """A person wants an invoice of their own (hoá đơn cá nhân) for an episode."""

    episode_id: UUID
    buyer: Buyer


class MendBuyer(Struct, frozen=True, forbid_unknown_fields=True):
    """Correct the buyer of an invoice that was never issued: refused, or still waiting."""

    invoice_id: UUID
    buyer: Buyer


class InvoiceView(Struct, frozen=True):
    """An invoice as lists show it."""

    id: UUID
    scope: str
    day: date
    symbol: str
    """Kind and symbol as printed: 1C26TYY."""
    number: str
    """Padded to 8 digits; empty until one is taken."""
    buyer: str
    total: int
    state: State
    tax_code: str
    problem: str
    tries: int
    created_at: Instant
    delivered_at: Instant | None
    issued_on: date | None
    archived_sha256: str | None
    view_sha256: str | None

    @property
    def stuck(self) -> bool:
        """It stands still until a person does something."""
        return bool(self.problem) and self.state is not State.DELIVERED


class EventView(Struct, frozen=True):
    at: Instant
    event: str
    why: str
    actor: str


class Shown(StrEnum):
    """Which invoices a list shows."""

    STUCK = "stuck"
    WAITING = "waiting"
    DONE = "done"


class Counts(Struct, frozen=True):
    stuck: int
    waiting: int
    done: int
    due: int
    """Settled episodes that wait for the end of the day."""
    forgotten: int
    """Receipts older than a day that no live invoice covers: there should be none."""


class BuyerIncomplete(Refused):
    slug = "buyer-incomplete"


class InvoiceExists(Conflict):
    slug = "invoice-exists"


class NoSuchInvoice(NotFound):
    slug = "no-such-invoice"


class AlreadyIssued(Conflict):
    """There is no cancelling and no changing of an issued invoice; see `rules.corrections`."""

    slug = "invoice-already-issued"


async def ask_invoice(
    session: AsyncSession, command: AskInvoice, *, planner: Planner, actor: Actor, now: Instant
) -> UUID | None:
    """Note whom the invoice of an episode is made out to; returns its id if the episode is settled already.

    Raises BuyerIncomplete, InvoiceExists when a live invoice covers the episode, NoAccount.
    """
    check_buyer(command.buyer)
    account = await account_of(session, command.episode_id)
    covered = select(InvoiceEpisode.invoice_id).where(
        InvoiceEpisode.episode_id == command.episode_id, InvoiceEpisode.live
    )
    if await session.scalar(covered.limit(1)) is not None:
        raise InvoiceExists("Đợt này đã có hoá đơn. Muốn đổi tên người mua, hãy lập hoá đơn thay thế.")
    row = {
        "episode_id": command.episode_id,
        "buyer": msgspec.to_builtins(command.buyer),
        "asked_at": now,
        "asked_by": actor.id,
    }
    statement = insert(InvoiceWish).values(row)
    await session.execute(statement.on_conflict_do_update(index_elements=["episode_id"], set_=row))
    subject = f"billing.invoice_wish:{command.episode_id}"
    await record(session, Entry(Action.CREATE, subject, account.patient_id), actor)
    if account.state != "SETTLED":
        return None
    await session.execute(delete(InvoiceDue).where(InvoiceDue.episode_id == command.episode_id))
    return await plan_settled(session, planner, command.episode_id, now=now)


def check_buyer(buyer: Buyer) -> None:
    """Check that the law's fields are there. Raises BuyerIncomplete."""
    if buyer.kind is BuyerKind.CONSUMER:
        raise BuyerIncomplete("Hãy chọn cá nhân hoặc tổ chức.", field="kind")
    if not buyer.name.strip():
        raise BuyerIncomplete("Hãy ghi tên người mua.", field="name")
    if buyer.kind is BuyerKind.ORGANISATION and not (buyer.tax_code or buyer.budget_code):
        raise BuyerIncomplete("Tổ chức cần mã số thuế hoặc mã đơn vị quan hệ ngân sách.", field="tax_code")
    if buyer.kind is BuyerKind.ORGANISATION and not buyer.address.strip():
        raise BuyerIncomplete("Tổ chức cần địa chỉ.", field="address")


def buyer_warnings(buyer: Buyer) -> list[str]:
    """Return doubts worth a second look; none of them blocks."""
    if buyer.tax_code and not tax_code_fits(buyer.tax_code):
        return ["Mã số thuế không đúng số kiểm tra; hãy đọc lại với người mua."]
    return []


async def list_invoices(session: AsyncSession, shown: Shown, *, limit: int = PAGE) -> list[InvoiceView]:
    """Return invoices of one group, the latest first; the stuck ones oldest first."""
    oldest_first = shown is Shown.STUCK
    order = Invoice.created_at if oldest_first else Invoice.created_at.desc()
    rows = await session.scalars(_shown(select(Invoice), shown).order_by(order).limit(limit))
    return [_view(row) for row in rows]


async def count_invoices(session: AsyncSession, *, now: Instant) -> Counts:
    """Return how many invoices each group has, and what has found no way into one."""
    found = [
        await session.scalar(_shown(select(func.count()).select_from(Invoice), shown)) for shown in Shown
    ]
    due = await session.scalar(select(func.count()).select_from(InvoiceDue))
    live = select(InvoiceReceipt.receipt_id).where(InvoiceReceipt.live)
    forgotten = await session.scalar(
        select(func.count())
        .select_from(Receipt)
        .where(Receipt.kind == ReceiptKind.BILL, Receipt.amount > Receipt.excess)
        .where(Receipt.issued_at < now - ALARM_AFTER, Receipt.id.not_in(live))
    )
    return Counts(found[0] or 0, found[1] or 0, found[2] or 0, due or 0, forgotten or 0)


async def get_invoice(session: AsyncSession, invoice_id: UUID) -> InvoiceView:
    """Return one invoice. Raises NoSuchInvoice."""
    return _view(await _found(session, invoice_id))


async def buyer_of(session: AsyncSession, invoice_id: UUID) -> Buyer:
    """Return the buyer an invoice names. Raises NoSuchInvoice."""
    return msgspec.convert((await _found(session, invoice_id)).content["buyer"], Buyer)


async def wish_of(session: AsyncSession, episode_id: UUID) -> Buyer | None:
    """Return the buyer that was asked for, None when nobody asked."""
    wish = await session.get(InvoiceWish, episode_id)
    return msgspec.convert(wish.buyer, Buyer) if wish else None


async def events_of_invoice(session: AsyncSession, invoice_id: UUID) -> list[EventView]:
    """Return what happened to an invoice, in order."""
    rows = await session.scalars(
        select(InvoiceEvent).where(InvoiceEvent.invoice_id == invoice_id).order_by(InvoiceEvent.id)
    )
    return [
        EventView(row.at, row.event, row.detail.get("problem") or row.detail.get("reason") or "", row.actor)
        for row in rows
    ]


async def invoices_of_episode(session: AsyncSession, episode_id: UUID) -> list[InvoiceView]:
    """Return the invoices made out for one episode alone; the day's aggregate names many people and is left out."""
    statement = (
        select(Invoice)
        .join(InvoiceEpisode, InvoiceEpisode.invoice_id == Invoice.id)
        .where(InvoiceEpisode.episode_id == episode_id, Invoice.scope != "aggregate")
        .order_by(Invoice.created_at)
    )
    return [_view(row) for row in await session.scalars(statement)]


async def resend_invoice(session: AsyncSession, invoice_id: UUID, *, actor: Actor) -> None:
    """Take an invoice up again now; the provider is asked before anything is sent. Raises NoSuchInvoice, AlreadyIssued."""
    invoice = await _found(session, invoice_id)
    if invoice.state == State.DELIVERED:
        raise AlreadyIssued("Hoá đơn này đã giao cho người mua.")
    await enqueue(session, ISSUE, IssueInvoice(invoice_id), aggregate=invoice_id)
    await record(session, Entry(Action.CHANGE, f"billing.invoice:{invoice_id}", reason="resend"), actor)


async def mend_buyer(session: AsyncSession, command: MendBuyer, *, actor: Actor, now: Instant) -> None:
    """Correct the buyer of an invoice that was not issued and send it again.

    Raises NoSuchInvoice, BuyerIncomplete, AlreadyIssued.
    """
    check_buyer(command.buyer)
    invoice = await _found(session, command.invoice_id, lock=True)
    if invoice.state != State.CREATED:
        raise AlreadyIssued("Hoá đơn đã ký. Chỉ điều chỉnh, thay thế hoặc gửi thông báo sai sót.")
    content = msgspec.convert(invoice.content, Content)
    invoice.content = msgspec.to_builtins(msgspec.structs.replace(content, buyer=command.buyer))
    invoice.problem = ""
    session.add(
        InvoiceEvent(
            id=new_id(), invoice_id=invoice.id, at=now, event="buyer_mended", detail={}, actor=actor.name
        )
    )
    await session.flush()
    await resend_invoice(session, invoice.id, actor=actor)


async def _found(session: AsyncSession, invoice_id: UUID, *, lock: bool = False) -> Invoice:
    invoice = await session.get(Invoice, invoice_id, with_for_update=lock or None)
    if invoice is None:
        raise NoSuchInvoice("Không có hoá đơn này.")
    return invoice


def _shown(statement: Select[Any], shown: Shown) -> Select[Any]:
    if shown is Shown.DONE:
        return statement.where(Invoice.state == State.DELIVERED)
    waiting = statement.where(Invoice.state != State.DELIVERED)
    return waiting.where(Invoice.problem != "" if shown is Shown.STUCK else Invoice.problem == "")


def _view(row: Invoice) -> InvoiceView:
    buyer = row.content.get("buyer", {})
    return InvoiceView(
        id=row.id,
        scope=row.scope,
        day=row.day,
        symbol=f"{row.kind}{row.symbol}",
        number=printed_number(row.number) if row.number else "",
        buyer=buyer.get("name") or "Bán cho người tiêu dùng",
        total=row.total,
        state=State(row.state),
        tax_code=row.tax_code,
        problem=row.problem,
        tries=row.tries,
        created_at=row.created_at,
        delivered_at=row.delivered_at,
        issued_on=row.issued_on,
        archived_sha256=row.archived_sha256,
        view_sha256=row.view_sha256,
    )
