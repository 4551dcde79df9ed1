"""Pay a request, by transfer or in cash. Everything happens in one transaction; the receipt number comes last."""

from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import BigInteger, DateTime, Text, Uuid, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Account
from billing.accounts.service import HeldAccount, lock_account_by_id
from billing.bills.service import BillNotComputable, bill_of_account
from billing.bills.views import AccountState, BillView
from billing.care.service import release
from billing.charges.service import mark_released
from billing.events import PaymentMatched
from billing.ledger.rules import Book, EntryKind, sides
from billing.ledger.service import NewEntry, post
from billing.payments.models import Allocation
from billing.receipts.service import NewReceipt, issue
from billing.receipts.views import AUTOMATIC_BOOK, Method, ReceiptKind
from billing.requests.holding import HeldRequest, hold_request
from billing.requests.models import PaymentRequest
from billing.requests.rules import RequestKind, RequestState, Split, may_move, split_money
from billing.requests.service import create_request, lock_request, touch_screens, view_of
from billing.requests.views import CreateRequest, RequestView
from billing.settings import BillingSettings
from billing.settlements.service import settle_if_paid
from billing.shifts.service import lock_shift
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.facility import Facility
from kernel.outbox.api import publish
from kernel.staff.api import Actor
from kernel.statements import Statement

_DEFAULTS = BillingSettings()
_OWED = (
    update(Account)
    .where(Account.id == bindparam("account"), Account.due != bindparam("due", type_=BigInteger))
    .values(due=bindparam("due", type_=BigInteger))
    .cte("owed")
)
_ALLOCATED = (
    insert(Allocation)
    .from_select(
        ["transaction_id", "request_id", "to_request", "excess", "quality", "entry_id", "at"],
        select(
            bindparam("transaction", type_=Uuid),
            bindparam("request", type_=Uuid),
            bindparam("to_request", type_=BigInteger),
            bindparam("to_excess", type_=BigInteger),
            bindparam("quality", type_=Text),
            bindparam("entry", type_=Uuid),
            bindparam("now", type_=DateTime(timezone=True)),
        ).where(bindparam("transaction", type_=Uuid).is_not(None)),
    )
    .cte("allocated")
)
# One statement moves the request, notes what is still owed, and says which transfer paid.
_MOVE = Statement(
    update(PaymentRequest)
    .where(PaymentRequest.id == bindparam("request"))
    .values({name: bindparam(name) for name in ("state", "late", "received", "excess")})
    .values(closed_at=bindparam("now", type_=DateTime(timezone=True)))
    .add_cte(_OWED, _ALLOCATED)
)


class Money(Struct, frozen=True, kw_only=True):
    """Money at hand for a request: where it lies, how it came, who says so."""

    amount: int
    source: Book
    method: Method
    actor: Actor
    transaction_id: UUID | None = None
    quality: str = "EXACT"
    """How sure it is that a transfer belongs here; see matching."""
    shift_id: UUID | None = None
    book: str = AUTOMATIC_BOOK
    cashier_name: str = ""


class Paid(Struct, frozen=True):
    """What became of the money."""

    split: Split
    entry_id: UUID
    receipt_id: UUID


async def pay_request(
    session: AsyncSession,
    request_id: UUID,
    money: Money,
    *,
    now: Instant,
    settings: BillingSettings = _DEFAULTS,
) -> Paid:
    """Use money for a request: what is owed pays it, the rest waits to be given back (nộp thừa chờ hoàn).

    The request may be long expired, cancelled or paid: nothing is refused and nothing is dropped.
    """
    request, account = await hold_request(session, request_id)
    view = await _bill(session, account, now=now, settings=settings)
    owed = _owed(request, view)
    split = split_money(money.amount, asked=request.amount, paid=request.received, owed=owed)
    deposit = request.kind == RequestKind.DEPOSIT
    entry_id = await post(
        session,
        NewEntry(
            kind=EntryKind.DEPOSIT if deposit else EntryKind.PAYMENT,
            sides=sides(
                (money.source, money.amount),
                (Book.DEPOSIT if deposit else Book.PATIENT, -split.to_request),
                (Book.EXCESS, -split.excess),
            ),
            actor_id=money.actor.id,
            at=now,
            account_id=account.id,
            request_id=request.id,
            transaction_id=money.transaction_id,
            shift_id=money.shift_id,
        ),
    )
    due = _due(view, split)
    await _MOVE.rows(
        session,
        **_moved(request, split, now=now),
        request=request.id,
        account=account.id,
        due=due,
        transaction=money.transaction_id,
        to_request=split.to_request,
        to_excess=split.excess,
        quality=money.quality,
        entry=entry_id,
        now=now,
    )
    await _release(session, request, view, split, due=due, now=now)
    await _tell(session, request, account, money, now=now)
    if due == 0 and account.ended_at is not None:
        locked = await lock_account_by_id(session, account.id)
        await settle_if_paid(session, locked, now=now, settings=settings)
    receipt_id = await issue(session, _receipt(request, account, money, split, entry_id, now=now))
    return Paid(split, entry_id, receipt_id)


async def _bill(
    session: AsyncSession, account: HeldAccount, *, now: Instant, settings: BillingSettings
) -> BillView | None:
    """Return the bill; None if a wrong card makes it incomputable: money is posted all the same."""
    try:
        return await bill_of_account(session, account, now=now, settings=settings)
    except BillNotComputable:
        return None


def _owed(request: HeldRequest, view: BillView | None) -> int:
    """Return what the request may still take: nothing once its episode is settled."""
    if view and view.state is AccountState.SETTLED:
        return 0
    if view is None or request.kind == RequestKind.DEPOSIT:
        return request.amount - request.received
    return view.remaining


def _moved(request: HeldRequest, split: Split, *, now: Instant) -> dict[str, Any]:
    state = split.state if not request.excess else RequestState.OVERPAID
    assert may_move(request.state, state), "money always has a way"
    over = request.state in {RequestState.EXPIRED, RequestState.CANCELLED}
    return {
        "state": state,
        "late": request.late or over or (request.state is RequestState.PENDING and now > request.expires_at),
        "received": request.received + split.to_request,
        "excess": request.excess + split.excess,
    }


def _due(before: BillView | None, split: Split) -> int | None:
    """Return what the account still owes after this money; None where it stays as it was."""
    if before is None or before.state is AccountState.SETTLED:
        return None
    return max(0, before.payable - before.paid - before.deposits - split.to_request)


async def _release(
    session: AsyncSession,
    request: HeldRequest,
    before: BillView | None,
    split: Split,
    *,
    due: int | None,
    now: Instant,
) -> None:
    """Let go what this money pays for, and everything once the account owes nothing (any more)."""
    if before and before.state is AccountState.SETTLED:
        return
    charges: set[UUID] = set()
    full = request.excess or split.state is not RequestState.UNDERPAID
    if full and request.kind is RequestKind.BILL and split.to_request:
        charges.update(request.charges)
    if before and due == 0 and not before.price_missing:
        charges.update(line.charge_id for line in before.lines if not line.paid)
    if charges:
        orders = await mark_released(session, charges, request_id=request.id, now=now)
        await release(session, orders, now=now)


async def _tell(
    session: AsyncSession, request: HeldRequest, account: HeldAccount, money: Money, *, now: Instant
) -> None:
    event = PaymentMatched(
        request_id=request.id,
        episode_id=account.episode_id,
        patient_id=account.patient_id,
        amount=money.amount,
        reference=request.reference,
        at=now,
    )
    await publish(session, event)
    detail = {"reference": request.reference, "amount": money.amount, "method": money.method}
    entry = Entry(Action.CHANGE, f"billing.request:{request.id}", account.patient_id, detail=detail)
    await record(session, entry, money.actor)
    touch_screens(session, request.id, request.counter, account.episode_id)


def _receipt(
    request: HeldRequest,
    account: HeldAccount,
    money: Money,
    split: Split,
    entry_id: UUID,
    *,
    now: Instant,
) -> NewReceipt:
    kind = ReceiptKind.DEPOSIT if request.kind == RequestKind.DEPOSIT else ReceiptKind.BILL
    return NewReceipt(
        book=money.book,
        kind=kind if split.to_request else ReceiptKind.EXCESS,
        method=money.method,
        account_id=account.id,
        episode_id=account.episode_id,
        patient_id=account.patient_id,
        entry_id=entry_id,
        title=request.title,
        amount=money.amount,
        issued_at=now,
        excess=split.excess,
        request_id=request.id,
        reference=request.reference,
        cashier_name=money.cashier_name,
    )


async def pay_in_cash(
    session: AsyncSession,
    command: CreateRequest,
    *,
    actor: Actor,
    facility: Facility,
    settings: BillingSettings,
    now: Instant,
) -> RequestView:
    """Take cash for what a request would ask; the same command again changes nothing.

    Raises NoOpenShift and what create_request raises.
    """
    shift = await lock_shift(session, actor, command.counter)
    view = await create_request(session, command, actor=actor, facility=facility, settings=settings, now=now)
    if view.state != RequestState.PENDING:
        return view
    money = Money(
        amount=view.amount,
        source=Book.CASH,
        method=Method.CASH,
        actor=actor,
        shift_id=shift.id,
        book=command.counter,
        cashier_name=actor.name,
    )
    await pay_request(session, view.id, money, now=now, settings=settings)
    request, account = await lock_request(session, view.id)
    return view_of(request, account)
