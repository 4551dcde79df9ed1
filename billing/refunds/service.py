"""Ask for a refund, approve it, pay it out, say what became of it. The ledger moves when the money leaves."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, convert
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Account
from billing.accounts.service import lock_account, lock_account_by_id
from billing.bills.service import bill_of_account
from billing.care.service import person
from billing.ledger.rules import Book, EntryKind, sides
from billing.ledger.service import NewEntry, post, reverse
from billing.receipts.models import Receipt
from billing.receipts.service import NewReceipt, issue
from billing.receipts.views import Method, ReceiptKind
from billing.refunds.models import Refund
from billing.refunds.rules import RESERVES, STATE_WORDS, RefundState, may_move, same_holder
from billing.requests.service import TILL_TOPIC
from billing.settings import BillingSettings
from billing.shifts.service import lock_shift
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.live import touch
from kernel.money import PositiveVnd, format_vnd
from kernel.problems import Conflict, Forbidden, NotFound, Refused
from kernel.staff.api import Actor, Role

Reason = Annotated[str, Meta(min_length=3, max_length=300)]
_PAGE = 100
_LAST = 30


class AskRefund(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Ask to give money back. `id` is kept across retries: it is the idempotency key."""

    id: UUID
    episode_id: UUID
    receipt_id: UUID
    """The receipt the person holds: without its number nothing is given back."""
    source: Annotated[str, Meta(pattern="^(DEPOSIT|EXCESS)$")]
    method: Method
    amount: PositiveVnd
    reason: Reason
    to_bank: Annotated[str, Meta(max_length=60)] = ""
    to_account: Annotated[str, Meta(max_length=30)] = ""
    to_holder: Annotated[str, Meta(max_length=100)] = ""


class DecideRefund(Struct, frozen=True, forbid_unknown_fields=True):
    approve: bool
    note: Annotated[str, Meta(max_length=300)] = ""


class PayOut(Struct, frozen=True, forbid_unknown_fields=True):
    """Hand the cash over at a counter, or note the reference of the transfer made."""

    counter: str = ""
    bank_reference: Annotated[str, Meta(max_length=60)] = ""


class CloseRefund(Struct, frozen=True, forbid_unknown_fields=True):
    """What the bank's statement says of a transfer."""

    confirmed: bool
    failure: Annotated[str, Meta(max_length=300)] = ""


class RefundView(Struct, frozen=True):
    id: UUID
    episode_id: UUID
    patient_id: UUID
    receipt_id: UUID
    source: str
    method: str
    amount: int
    reason: str
    to_bank: str
    to_account: str
    to_holder: str
    state: RefundState
    requested_at: Instant
    requested_by: UUID
    requested_name: str
    decided_name: str
    decision_note: str
    sent_at: Instant | None
    sent_name: str
    bank_reference: str
    closed_at: Instant | None
    failure: str
    paid_receipt: UUID | None = None
    """Phiếu chi, once it is confirmed."""

    @property
    def word(self) -> str:
        return STATE_WORDS[self.state]


class NoSuchRefund(NotFound):
    slug = "no-such-refund"


class RefundIdReused(Conflict):
    slug = "refund-id-reused"


class RefundMoved(Conflict):
    slug = "refund-moved"


class NotThatMuch(Conflict):
    slug = "not-that-much-to-refund"


class WrongReceipt(Refused):
    slug = "wrong-receipt"


class NoCashBack(Refused):
    """It came by transfer and goes back by transfer."""

    slug = "no-cash-back"


class NotTheHolder(Refused):
    slug = "not-the-holder"


class WhereMissing(Refused):
    slug = "refund-account-missing"


class SecondPersonNeeded(Forbidden):
    slug = "second-person-needed"


class NoteMissing(Refused):
    slug = "note-missing"


async def ask_refund(
    session: AsyncSession, command: AskRefund, *, actor: Actor, now: Instant, settings: BillingSettings
) -> RefundView:
    """Ask once; the money is reserved from now on.

    Raises NoAccount, WrongReceipt, NotThatMuch, NoCashBack, WhereMissing, NotTheHolder, RefundIdReused,
    BillNotComputable.
    """
    known = await session.get(Refund, command.id)
    if known is not None:
        asked = (command.episode_id, command.amount, command.source)
        if (known.episode_id, known.amount, known.source) != asked:
            raise RefundIdReused("Mã này đã dùng cho một yêu cầu hoàn khác. Tải lại trang rồi làm lại.")
        return await _view(session, known)
    account = await lock_account(session, command.episode_id)
    receipt = await session.get(Receipt, command.receipt_id)
    if receipt is None or receipt.account_id != account.id or receipt.kind == ReceiptKind.REFUND:
        raise WrongReceipt("Chọn phiếu thu của đợt khám này mà người bệnh đang giữ.", field="receipt_id")
    bill = await bill_of_account(session, account, now=now, settings=settings)
    there = bill.to_refund if command.source == Book.DEPOSIT else bill.excess
    left = there - await _reserved(session, account.id, command.source)
    if command.amount > left:
        raise NotThatMuch(f"Chỉ còn {format_vnd(max(0, left))} hoàn được từ khoản này.", field="amount")
    await _require_way(session, command, receipt, account.patient_id, settings)
    refund = _requested(command, account, actor=actor, now=now)
    session.add(refund)
    await session.flush()
    await _note(session, refund, actor, reason=refund.reason)
    return await _view(session, refund)


def _requested(command: AskRefund, account: Account, *, actor: Actor, now: Instant) -> Refund:
    return Refund(
        id=command.id,
        account_id=account.id,
        episode_id=account.episode_id,
        patient_id=account.patient_id,
        receipt_id=command.receipt_id,
        source=command.source,
        method=command.method.value,
        amount=command.amount,
        reason=command.reason.strip(),
        to_bank=command.to_bank.strip(),
        to_account="".join(command.to_account.split()),
        to_holder=command.to_holder.strip(),
        state=RefundState.REQUESTED.value,
        requested_at=now,
        requested_by=actor.id,
        requested_name=actor.name,
        decided_name="",
        decision_note="",
        sent_name="",
        bank_reference="",
        failure="",
    )


async def _reserved(session: AsyncSession, account_id: UUID, source: str) -> int:
    query = select(func.coalesce(func.sum(Refund.amount), 0)).where(
        Refund.account_id == account_id,
        Refund.source == source,
        Refund.state.in_([state.value for state in RESERVES]),
    )
    return int(await session.scalar(query) or 0)


async def _require_way(
    session: AsyncSession, command: AskRefund, receipt: Receipt, patient_id: UUID, settings: BillingSettings
) -> None:
    """Money goes back the way it came: a transfer to an account of the person, cash for cash or below a cap."""
    if command.method is Method.CASH:
        if receipt.method != Method.CASH and command.amount > settings.refund_cash_cap:
            raise NoCashBack(
                "Tiền đã nộp bằng chuyển khoản: hoàn bằng chuyển khoản, không chi tiền mặt.", field="method"
            )
        return
    if not command.to_account.strip() or not command.to_holder.strip():
        raise WhereMissing("Nhập số tài khoản và tên chủ tài khoản nhận tiền.", field="to_account")
    who = await person(session, patient_id)
    if not same_holder(command.to_holder, who.name):
        raise NotTheHolder(
            "Tên chủ tài khoản khác tên người bệnh. Hoàn vào tài khoản của chính người bệnh.",
            field="to_holder",
        )


async def decide_refund(
    session: AsyncSession, refund_id: UUID, command: DecideRefund, *, actor: Actor, now: Instant
) -> RefundView:
    """Approve or refuse what a colleague asked. Raises NoSuchRefund, RefundMoved, SecondPersonNeeded, NoteMissing."""
    refund = await _locked(session, refund_id)
    if refund.requested_by == actor.id:
        raise SecondPersonNeeded("Người đề nghị không được tự duyệt. Hãy nhờ kế toán khác duyệt.")
    if not command.approve and len(command.note.strip()) < 3:
        raise NoteMissing("Ghi lý do không duyệt.", field="note")
    _move(refund, RefundState.APPROVED if command.approve else RefundState.REJECTED)
    refund.decided_at, refund.decided_by, refund.decided_name = now, actor.id, actor.name
    refund.decision_note = command.note.strip()
    if not command.approve:
        refund.closed_at = now
    await session.flush()
    await _note(session, refund, actor, reason=refund.decision_note)
    return await _view(session, refund)


async def pay_out(
    session: AsyncSession, refund_id: UUID, command: PayOut, *, actor: Actor, now: Instant
) -> RefundView:
    """Let the money leave: cash from the open shift's drawer, a transfer from the bank account.

    Raises NoSuchRefund, RefundMoved, NoOpenShift for cash without a shift, NoteMissing without the bank's reference.
    """
    refund = await _locked(session, refund_id)
    cash = refund.method == Method.CASH
    new = RefundState.CONFIRMED if cash else RefundState.SENT
    _require_move(refund, new)
    if not cash and not command.bank_reference.strip():
        raise NoteMissing("Ghi số tham chiếu của lệnh chuyển tiền.", field="bank_reference")
    shift = await lock_shift(session, actor, command.counter) if cash else None
    entry_id = await post(
        session,
        NewEntry(
            kind=EntryKind.REFUND,
            sides=sides(
                (Book(refund.source), refund.amount), (Book.CASH if cash else Book.BANK, -refund.amount)
            ),
            actor_id=actor.id,
            at=now,
            account_id=refund.account_id,
            shift_id=shift.id if shift else None,
            reason=refund.reason,
        ),
    )
    refund.state, refund.entry_id = new.value, entry_id
    refund.sent_at, refund.sent_name = now, actor.name
    refund.bank_reference = command.bank_reference.strip()
    refund.closed_at = now if cash else None
    await session.flush()
    await _note(session, refund, actor)
    if cash:
        await _give_receipt(session, refund, book=f"HU{command.counter}", now=now)
    return await _view(session, refund)


async def close_refund(
    session: AsyncSession, refund_id: UUID, command: CloseRefund, *, actor: Actor, now: Instant
) -> RefundView:
    """Say what the bank made of a transfer; one that failed puts the money back.

    Raises NoSuchRefund, RefundMoved, NoteMissing.
    """
    refund = await _locked(session, refund_id)
    if refund.state != RefundState.SENT:
        raise RefundMoved(f"Khoản hoàn đang ở trạng thái “{STATE_WORDS[RefundState(refund.state)]}”.")
    if not command.confirmed and len(command.failure.strip()) < 3:
        raise NoteMissing("Ghi ngân hàng báo gì.", field="failure")
    _move(refund, RefundState.CONFIRMED if command.confirmed else RefundState.FAILED)
    assert refund.entry_id is not None, "it was sent"
    refund.closed_at, refund.failure = now, command.failure.strip()
    if not command.confirmed:
        await reverse(session, refund.entry_id, reason=refund.failure, actor_id=actor.id, now=now)
    await session.flush()
    await _note(session, refund, actor, reason=refund.failure)
    if command.confirmed:
        await _give_receipt(session, refund, book="HU", now=now)
    return await _view(session, refund)


async def _give_receipt(session: AsyncSession, refund: Refund, *, book: str, now: Instant) -> None:
    assert refund.entry_id is not None, "it was paid out"
    title = "Hoàn tạm ứng còn lại" if refund.source == Book.DEPOSIT else "Hoàn tiền nộp thừa"
    await issue(
        session,
        NewReceipt(
            book=book,
            kind=ReceiptKind.REFUND,
            method=Method(refund.method),
            account_id=refund.account_id,
            episode_id=refund.episode_id,
            patient_id=refund.patient_id,
            entry_id=refund.entry_id,
            title=f"{title}: {refund.reason}",
            amount=refund.amount,
            issued_at=now,
            reference=refund.bank_reference,
            cashier_name=refund.sent_name,
        ),
    )


async def _locked(session: AsyncSession, refund_id: UUID) -> Refund:
    """Lock the refund and its account: money of one account moves one step at a time."""
    account_id = await session.scalar(select(Refund.account_id).where(Refund.id == refund_id))
    if account_id is None:
        raise NoSuchRefund("Không có yêu cầu hoàn này.")
    await lock_account_by_id(session, account_id)
    return await session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True)


def _require_move(refund: Refund, new: RefundState) -> None:
    old = RefundState(refund.state)
    if not may_move(old, new):
        raise RefundMoved(f"Khoản hoàn đang ở trạng thái “{STATE_WORDS[old]}”, không làm bước này được.")


def _move(refund: Refund, new: RefundState) -> None:
    _require_move(refund, new)
    refund.state = new.value


async def _note(session: AsyncSession, refund: Refund, actor: Actor, *, reason: str = "") -> None:
    detail = {"state": refund.state, "amount": refund.amount}
    subject = f"billing.refund:{refund.id}"
    await record(session, Entry(Action.CHANGE, subject, refund.patient_id, reason or None, detail), actor)
    touch(session, TILL_TOPIC, {"episode_id": str(refund.episode_id)})


async def refunds_of_episode(session: AsyncSession, episode_id: UUID) -> Sequence[RefundView]:
    """Return the refunds of one đợt, the latest first."""
    query = select(Refund).where(Refund.episode_id == episode_id).order_by(Refund.requested_at.desc())
    return [await _view(session, row) for row in await session.scalars(query)]


async def refunds_to_do(session: AsyncSession) -> Sequence[RefundView]:
    """Return what waits for somebody, the longest waiting first, then the last ones closed."""
    waiting = select(Refund).where(Refund.closed_at.is_(None)).order_by(Refund.requested_at).limit(_PAGE)
    closed = (
        select(Refund).where(Refund.closed_at.is_not(None)).order_by(Refund.closed_at.desc()).limit(_LAST)
    )
    rows = [*(await session.scalars(waiting)), *(await session.scalars(closed))]
    return [await _view(session, row) for row in rows]


async def _view(session: AsyncSession, row: Refund) -> RefundView:
    given = None
    if row.state == RefundState.CONFIRMED:
        given = await session.scalar(select(Receipt.id).where(Receipt.entry_id == row.entry_id))
    shown = {name: getattr(row, name) for name in RefundView.__struct_fields__ if name != "paid_receipt"}
    return convert(shown | {"paid_receipt": given}, RefundView)


APPROVERS = (Role.ACCOUNTANT, Role.HEAD, Role.DIRECTOR)
