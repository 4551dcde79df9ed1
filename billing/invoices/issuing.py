"""Take one invoice along: number, sign, send, verify, archive, deliver. No network call runs inside a transaction."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.content import Content, Numbered, WrongFigures
from billing.invoices.document import document_id, invoice_xml
from billing.invoices.markup import BadText
from billing.invoices.models import Invoice, InvoiceEvent, InvoiceSeries
from billing.invoices.provider import (
    InvoiceProvider,
    Issued,
    Outgoing,
    Pending,
    ProviderUnsure,
    Rejected,
    Status,
    Unknown,
)
from billing.invoices.returned import BadReturn, check_returned
from billing.invoices.rules import LARGEST_NUMBER, Mode, Relation, State, move, symbol_of
from kernel.clock import Instant, local_day
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.objects import ObjectStore

LEASE = timedelta(minutes=3)
Seal = Callable[[bytes, str], Awaitable[bytes]]
View = Callable[[bytes], Awaitable[bytes]]


class Office(Struct, frozen=True):
    """What issuing needs: storage, the provider, the hospital's seal, the paper view, and rules of the place."""

    sessions: Sessions
    objects: ObjectStore
    provider: InvoiceProvider | None  # None: no provider is connected yet.
    seal: Seal  # (xml, id of the data element) → signed xml
    view: View  # archived xml → PDF
    mode: Mode
    symbol_suffix: str
    qr_guid: str
    authority: tuple[bytes, ...]


class NotYet(Exception):
    """The invoice has to be looked at again later; the text says why."""


class Busy(NotYet):
    """Another worker has the invoice in hand."""


class SeriesFull(Exception):
    """99 999 999 invoices in a year: a second symbol is needed."""


async def issue_invoice(office: Office, invoice_id: UUID, *, now: Instant) -> State:
    """Take an invoice as far as it goes now and return its state.

    Raises NotYet when it has to be tried again. A refusal that needs a person is written on the invoice.
    """
    invoice = await _take(office, invoice_id, now)
    try:
        if invoice.state == State.CREATED:
            invoice = await _number_and_sign(office, invoice, now)
        if invoice.state in (State.SIGNED, State.SENT):
            invoice = await _send(office, invoice, now)
        if invoice.state == State.CODED:
            invoice = await _deliver(office, invoice, now)
    finally:
        async with office.sessions.begin() as session:
            await session.execute(update(Invoice).where(Invoice.id == invoice_id).values(leased_until=None))
    return State(invoice.state)


async def take_number(session: AsyncSession, kind: int, symbol: str) -> int:
    """Return the next number of a series; the row stays locked until the transaction ends. Raises SeriesFull."""
    series = insert(InvoiceSeries).values(kind=kind, symbol=symbol, next_number=2)
    statement = series.on_conflict_do_update(
        index_elements=["kind", "symbol"],
        set_={"next_number": InvoiceSeries.next_number + 1},
        where=InvoiceSeries.next_number <= LARGEST_NUMBER,
    )
    number = await session.scalar(statement.returning(InvoiceSeries.next_number - 1))
    if number is None:
        raise SeriesFull(symbol)
    return int(number)


async def _take(office: Office, invoice_id: UUID, now: Instant) -> Invoice:
    async with office.sessions.begin() as session:
        invoice = await session.get_one(Invoice, invoice_id, with_for_update=True)
        if invoice.leased_until is not None and invoice.leased_until > now:
            raise Busy("Hoá đơn đang được gửi.")
        invoice.leased_until = now + LEASE
        invoice.tries += 1
        invoice.problem = ""
        return invoice


async def _number_and_sign(office: Office, invoice: Invoice, now: Instant) -> Invoice:
    content = msgspec.convert(invoice.content, Content)
    try:
        invoice_xml(
            Numbered(content, invoice.symbol, invoice.number or 1, local_day(now)), guid=office.qr_guid
        )
    except (WrongFigures, BadText) as error:  # Found before a number is taken.
        return await _hold(office, invoice, str(error), now)
    async with office.sessions.begin() as session:
        invoice = await session.get_one(Invoice, invoice.id, with_for_update=True)
        if invoice.number is None:
            day = local_day(now)
            symbol = symbol_of(office.mode, day.year, suffix=office.symbol_suffix)
            number = await take_number(session, invoice.kind, symbol)
            invoice.symbol, invoice.number, invoice.issued_on = symbol, number, day
    assert invoice.number is not None
    assert invoice.issued_on is not None
    numbered = Numbered(content, invoice.symbol, invoice.number, invoice.issued_on)
    signed = await office.seal(invoice_xml(numbered, guid=office.qr_guid), document_id(numbered))
    sha256 = await office.objects.put(signed)
    return await _move(office, invoice, State.SIGNED, now, "signed", signed_sha256=sha256, signed_at=now)


async def _send(office: Office, invoice: Invoice, now: Instant) -> Invoice:
    if office.provider is None:
        return await _hold(office, invoice, "Chưa nối nhà cung cấp hoá đơn điện tử.", now)
    assert invoice.signed_sha256 is not None
    signed = await office.objects.get(invoice.signed_sha256)
    try:
        answer = await _ask_or_send(office, office.provider, invoice, signed, now)
    except ProviderUnsure as error:
        await _note(office, invoice.id, "unsure", now, reason=str(error))
        raise NotYet(f"Nhà cung cấp chưa trả lời rõ: {error}") from error
    if isinstance(answer, Rejected):
        return await _reopen(office, invoice, answer, now)
    if isinstance(answer, Pending):
        if invoice.state == State.SIGNED:
            await _move(office, invoice, State.SENT, now, "sent", sent_at=now)
        raise NotYet("Hoá đơn đang chờ mã của cơ quan thuế.")
    assert isinstance(answer, Issued)
    return await _archive(office, invoice, signed, answer.xml, now)


async def _ask_or_send(
    office: Office, provider: InvoiceProvider, invoice: Invoice, signed: bytes, now: Instant
) -> Status:
    """Send only what the provider says it has never seen: after a first try its state is unknown to us."""
    if invoice.tried_at is not None:
        known = await provider.status(invoice.id)
        if not isinstance(known, Unknown):
            return known
    async with office.sessions.begin() as session:
        await session.execute(update(Invoice).where(Invoice.id == invoice.id).values(tried_at=now))
    relation = Relation(invoice.relation) if invoice.relation else None
    return await provider.issue(Outgoing(invoice.id, signed, relation, invoice.relates_to))


async def _archive(office: Office, invoice: Invoice, signed: bytes, xml: bytes, now: Instant) -> Invoice:
    sha256 = await office.objects.put(xml)  # Kept whatever it is: it is evidence.
    try:
        found = check_returned(xml, sent=signed, mode=office.mode, authority=office.authority)
    except BadReturn as error:
        await _note(office, invoice.id, "bad_return", now, sha256=sha256, reason=str(error))
        return await _hold(office, invoice, f"Hoá đơn trả về không dùng được: {error}", now)
    times = {"sent_at": invoice.sent_at or now, "coded_at": now, "verified_at": now}
    return await _move(
        office, invoice, State.CODED, now, "coded", archived_sha256=sha256, tax_code=found.tax_code, **times
    )


async def _deliver(office: Office, invoice: Invoice, now: Instant) -> Invoice:
    """Make the view; from then on the buyer can open the invoice."""
    assert invoice.archived_sha256 is not None
    view = await office.view(await office.objects.get(invoice.archived_sha256))
    sha256 = await office.objects.put(view)
    return await _move(
        office, invoice, State.DELIVERED, now, "delivered", view_sha256=sha256, delivered_at=now
    )


async def _reopen(office: Office, invoice: Invoice, answer: Rejected, now: Instant) -> Invoice:
    """The provider refused the content: it waits for a person, with its number."""
    reasons = "; ".join(answer.reasons) or "không nêu lý do"
    problem = f"Nhà cung cấp từ chối: {reasons}"
    return await _move(office, invoice, State.CREATED, now, "rejected", problem=problem, tried_at=None)


async def _move(
    office: Office, invoice: Invoice, to: State, now: Instant, event: str, **values: Any
) -> Invoice:
    async with office.sessions.begin() as session:
        row = await session.get_one(Invoice, invoice.id, with_for_update=True)
        row.state = move(State(row.state), to)
        for name, value in values.items():
            setattr(row, name, value)
        detail = {name: value for name, value in values.items() if isinstance(value, str)}
        _add_event(session, row.id, event, now, detail)
        return row


async def _hold(office: Office, invoice: Invoice, problem: str, now: Instant) -> Invoice:
    """Write why an invoice stands still; a person takes it up from the accountant's page."""
    async with office.sessions.begin() as session:
        row = await session.get_one(Invoice, invoice.id, with_for_update=True)
        row.problem = problem
        _add_event(session, row.id, "held", now, {"problem": problem})
        return row


async def _note(office: Office, invoice_id: UUID, event: str, now: Instant, **detail: str) -> None:
    async with office.sessions.begin() as session:
        _add_event(session, invoice_id, event, now, detail)


def _add_event(
    session: AsyncSession,
    invoice_id: UUID,
    event: str,
    now: Instant,
    detail: dict[str, str],
    actor: str = "system",
) -> None:
    session.add(
        InvoiceEvent(id=new_id(), invoice_id=invoice_id, at=now, event=event, detail=detail, actor=actor)
    )
