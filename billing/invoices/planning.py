"""Which invoice covers which money: one of their own for those who ask, one a day for the rest, none for 0 đồng."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Account
from billing.accounts.service import lock_account
from billing.bills.service import bill
from billing.bills.views import AccountState, BillView
from billing.care.service import person
from billing.invoices.content import Buyer, BuyerKind, Content, Line, Reference, Related, Seller, totals_of
from billing.invoices.grouping import group_lines, merge_lines, one_line
from billing.invoices.models import Invoice, InvoiceDue, InvoiceEpisode, InvoiceReceipt, InvoiceWish
from billing.invoices.rules import FORMAT_VERSION, LEGAL_BASIS, Kind, Mode, Policy, Relation, State, symbol_of
from billing.receipts.models import Receipt
from billing.receipts.service import receipt_number
from billing.receipts.views import METHOD_WORDS, Method, ReceiptKind
from billing.settings import BillingSettings
from kernel.clock import VN, Instant, local, local_day
from kernel.facility import Facility
from kernel.ids import new_id
from kernel.outbox.api import enqueue

ISSUE = "billing.issue_invoice"
CLOSE_DAY = "billing.close_invoice_day"
DAY_CLOSES = time(23, 45)  # Money that comes later belongs to the next day's invoice.
LOWERED = "Điều chỉnh giảm chi phí khám bệnh, chữa bệnh"
TELL_FIRST = "Hoá đơn điều chỉnh giảm: báo người mua rồi bấm Gửi lại."
_LONGEST_REFERENCE = 500


class EarlierNotIssued(Exception):
    """The invoice to be adjusted has no number yet."""


class IssueInvoice(Struct, frozen=True):
    """Take an invoice as far as it goes."""

    invoice_id: UUID


class CloseDay(Struct, frozen=True):
    """Make the aggregate invoice of a day."""

    day: date


class Planner(Struct, frozen=True):
    """What planning needs to know of the installation."""

    facility: Facility
    settings: BillingSettings

    @property
    def seller(self) -> Seller:
        return Seller(self.facility.name, self.facility.tax_code, self.facility.address, self.facility.phone)


def invoice_day(moment: Instant) -> date:
    """Return the day whose invoices a moment's money belongs to."""
    return local_day(moment + (timedelta(days=1) - _since_midnight(DAY_CLOSES)))


def closing_time(day: date) -> Instant:
    """Return when the aggregate invoice of a day is made."""
    return datetime.combine(day, DAY_CLOSES, VN)


async def plan_settled(
    session: AsyncSession, planner: Planner, episode_id: UUID, *, now: Instant
) -> UUID | None:
    """Plan the invoice of a settled episode and return its id; None when nothing is to be invoiced now.

    Safe to run twice: what a live invoice covers already is not covered again. Raises EarlierNotIssued.
    """
    account_bill, owed = await _owed(session, planner, episode_id, now)
    if owed < 0:
        return await plan_lowering(session, planner, episode_id, owed, now=now)
    if owed == 0:
        return None
    wish = await session.get(InvoiceWish, episode_id)
    if wish is None and planner.settings.invoice_policy is Policy.DAILY_AGGREGATE:
        await _wait_for_the_evening(session, account_bill, now)
        return None
    buyer = msgspec.convert(wish.buyer, Buyer) if wish else await _person(session, account_bill.patient_id)
    receipts = await _open_receipts(session, [episode_id])
    everything = await _receipts_of(session, [episode_id])
    content = _content(planner, buyer, _lines(account_bill, owed), everything)
    invoice = await _create(session, planner, "individual", content, invoice_day(now), now)
    session.add(InvoiceEpisode(invoice_id=invoice, episode_id=episode_id, amount=owed))
    session.add_all(InvoiceReceipt(invoice_id=invoice, receipt_id=receipt.id) for receipt in receipts)
    await _issue_later(session, invoice)
    return invoice


async def plan_day(session: AsyncSession, planner: Planner, day: date, *, now: Instant) -> UUID | None:
    """Plan the one invoice for everybody who did not ask (NĐ 254/2026/NĐ-CP Điều 9 khoản 4 điểm m).

    It covers the day's settled episodes and the day's receipts of services paid before the episode ended; never a
    tạm ứng. Returns None when there is nothing to cover.
    """
    found = await session.scalars(select(InvoiceDue).where(InvoiceDue.day <= day).with_for_update())
    settled = [due.episode_id for due in found]
    amounts: dict[UUID, int] = {}
    lines: list[Line] = []
    for episode_id in settled:
        account_bill, owed = await _owed(session, planner, episode_id, now)
        if owed < 0:
            await plan_lowering(session, planner, episode_id, owed, now=now)
        elif owed > 0:
            amounts[episode_id] = owed
            lines += _lines(account_bill, owed)
    receipts = await _open_receipts(session, list(amounts))
    prepaid = await _prepaid_receipts(session, day)
    for receipt in prepaid:
        amount = receipt.amount - receipt.excess
        amounts[receipt.episode_id] = amounts.get(receipt.episode_id, 0) + amount
        lines += one_line(amount, prepaid=True)
    await session.execute(delete(InvoiceDue).where(InvoiceDue.episode_id.in_(settled)))
    if not amounts:
        return None
    covered = [*receipts, *prepaid]
    content = _content(planner, Buyer(BuyerKind.CONSUMER), merge_lines(lines), covered)
    invoice = await _create(session, planner, "aggregate", content, day, now)
    session.add_all(
        InvoiceEpisode(invoice_id=invoice, episode_id=episode, amount=amount)
        for episode, amount in amounts.items()
    )
    session.add_all(InvoiceReceipt(invoice_id=invoice, receipt_id=receipt.id) for receipt in covered)
    await _issue_later(session, invoice)
    return invoice


async def plan_lowering(
    session: AsyncSession, planner: Planner, episode_id: UUID, amount: int, *, now: Instant
) -> UUID:
    """Prepare the negative adjustment for money that was invoiced and is not owed any more.

    It waits for the accountant: the buyer is told first (TT 91/2026/TT-BTC Điều 10). Raises EarlierNotIssued.
    """
    earlier = await session.scalar(
        select(Invoice)
        .join(InvoiceEpisode, InvoiceEpisode.invoice_id == Invoice.id)
        .where(InvoiceEpisode.episode_id == episode_id, InvoiceEpisode.live, Invoice.relation.is_(None))
        .order_by(Invoice.created_at.desc())
        .limit(1)
    )
    assert earlier is not None, "more was invoiced than is owed"
    if earlier.number is None or earlier.issued_on is None:
        raise EarlierNotIssued("Hoá đơn gốc chưa có số.")
    related = Related(Relation.ADJUSTS, Kind(earlier.kind), earlier.symbol, earlier.number, earlier.issued_on)
    content = msgspec.structs.replace(
        msgspec.convert(earlier.content, Content),
        lines=(Line(LOWERED, amount, "DC"),),
        references=(),
        related=related,
    )
    invoice = await _create(
        session, planner, "correction", content, invoice_day(now), now, earlier=earlier.id
    )
    session.add(InvoiceEpisode(invoice_id=invoice, episode_id=episode_id, amount=amount))
    return invoice


async def plan_closing(session: AsyncSession, day: date) -> None:
    """See to it that the day is closed in the evening."""
    await enqueue(session, CLOSE_DAY, CloseDay(day), key=day.isoformat(), run_at=closing_time(day))


def _lines(account_bill: BillView, owed: int) -> tuple[Line, ...]:
    """Return group lines; one line when a part was invoiced before."""
    if owed != account_bill.payable:
        return one_line(owed)
    return group_lines(((line.group, line.copay + line.outside) for line in account_bill.lines), owed)


def _content(planner: Planner, buyer: Buyer, lines: tuple[Line, ...], receipts: Sequence[Receipt]) -> Content:
    settings = planner.settings
    numbers = ", ".join(_number(receipt) for receipt in receipts if receipt.kind == ReceiptKind.BILL)
    references: tuple[Reference, ...] = ()
    if numbers and len(numbers) <= _LONGEST_REFERENCE:
        references = (Reference("MaPhieuThu", numbers),)
    elif numbers:
        references = (Reference("SoPhieuThu", str(len(receipts)), "numeric"),)
    methods = {Method(receipt.method) for receipt in receipts}
    return Content(
        kind=Kind(settings.invoice_kind),
        seller=planner.seller,
        buyer=buyer,
        lines=lines,
        payment_method="/".join(METHOD_WORDS[method] for method in Method if method in methods)
        or "Chuyển khoản",
        references=references,
        provider_tax_code=settings.invoice_provider_tax_code,
    )


def _number(receipt: Receipt) -> str:
    return receipt_number(receipt.book, receipt.year, receipt.sequence)


async def _create(
    session: AsyncSession,
    planner: Planner,
    scope: str,
    content: Content,
    day: date,
    now: Instant,
    *,
    earlier: UUID | None = None,
) -> UUID:
    settings = planner.settings
    invoice_id = new_id()
    invoice = Invoice(
        id=invoice_id,
        scope=scope,
        day=day,
        kind=int(content.kind),
        symbol=symbol_of(Mode(settings.invoice_mode), local(now).year, suffix=settings.invoice_symbol_suffix),
        content=msgspec.to_builtins(content),
        total=totals_of(content).total,
        state=State.CREATED,
        provider=settings.invoice_provider_name,
        format_version=FORMAT_VERSION,
        legal_basis=LEGAL_BASIS,
        created_at=now,
        relates_to=earlier,
        relation=content.related.relation if content.related else None,
        problem=TELL_FIRST if earlier else "",
    )
    session.add(invoice)
    await session.flush()
    return invoice_id


async def _issue_later(session: AsyncSession, invoice_id: UUID) -> None:
    await enqueue(session, ISSUE, IssueInvoice(invoice_id), key=str(invoice_id), aggregate=invoice_id)


async def _wait_for_the_evening(session: AsyncSession, account_bill: BillView, now: Instant) -> None:
    day = invoice_day(now)
    row = {
        "episode_id": account_bill.episode_id,
        "patient_id": account_bill.patient_id,
        "day": day,
        "settled_at": account_bill.settled_at or now,
    }
    await session.execute(insert(InvoiceDue).values(row).on_conflict_do_nothing())
    await plan_closing(session, day)


async def _person(session: AsyncSession, patient_id: UUID) -> Buyer:
    """Name the patient and nothing more: personal numbers are printed only when asked for."""
    patient = await person(session, patient_id)
    return Buyer(BuyerKind.PERSON, patient.name, customer_code=patient.code)


async def _owed(
    session: AsyncSession, planner: Planner, episode_id: UUID, now: Instant
) -> tuple[BillView, int]:
    """Return the bill, and what of the patient's part no live invoice covers; the account stays locked."""
    await lock_account(session, episode_id)
    account_bill = await bill(session, episode_id, now=now, settings=planner.settings)
    return account_bill, account_bill.payable - await _invoiced(session, episode_id)


async def _invoiced(session: AsyncSession, episode_id: UUID) -> int:
    statement = select(func.coalesce(func.sum(InvoiceEpisode.amount), 0))
    where = (InvoiceEpisode.episode_id == episode_id, InvoiceEpisode.live)
    return int(await session.scalar(statement.where(*where)) or 0)


async def _receipts_of(session: AsyncSession, episodes: list[UUID]) -> Sequence[Receipt]:
    statement = (
        select(Receipt).where(Receipt.episode_id.in_(episodes)).order_by(Receipt.issued_at, Receipt.id)
    )
    return (await session.scalars(statement)).all()


async def _open_receipts(session: AsyncSession, episodes: list[UUID]) -> list[Receipt]:
    """Return receipts of bills that no live invoice covers; tạm ứng and excess never get one."""
    live = select(InvoiceReceipt.receipt_id).where(InvoiceReceipt.live)
    statement = (
        select(Receipt)
        .where(Receipt.episode_id.in_(episodes), Receipt.kind == ReceiptKind.BILL, Receipt.id.not_in(live))
        .order_by(Receipt.issued_at, Receipt.id)
    )
    return list(await session.scalars(statement))


async def _prepaid_receipts(session: AsyncSession, day: date) -> list[Receipt]:
    """Return receipts until the day's end for services of open episodes whose people asked for no invoice."""
    before = closing_time(day)
    live = select(InvoiceReceipt.receipt_id).where(InvoiceReceipt.live)
    statement = (
        select(Receipt)
        .join(Account, Account.id == Receipt.account_id)
        .outerjoin(InvoiceWish, InvoiceWish.episode_id == Receipt.episode_id)
        .where(Account.state == AccountState.OPEN, Receipt.kind == ReceiptKind.BILL)
        .where(Receipt.issued_at < before, Receipt.amount > Receipt.excess, Receipt.id.not_in(live))
        .where(InvoiceWish.episode_id.is_(None))
        .order_by(Receipt.issued_at, Receipt.id)
        .with_for_update(of=Account)
    )
    return list(await session.scalars(statement))


def _since_midnight(moment: time) -> timedelta:
    return timedelta(hours=moment.hour, minutes=moment.minute)
