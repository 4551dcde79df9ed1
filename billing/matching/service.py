"""Match transfers with requests; keep what has no match as a work list that two people clear."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ARRAY, DateTime, Text, any_, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger.rules import Book, EntryKind, sides
from billing.ledger.service import NewEntry, post
from billing.matching.models import Proposal
from billing.matching.rules import NEXT, Candidate, Quality, TransactionState, judge, named_references
from billing.notices.models import BankTransaction
from billing.payments.service import Money, pay_request
from billing.receipts.views import Method
from billing.requests.models import PaymentRequest
from billing.requests.service import TILL_TOPIC
from billing.settings import BillingSettings
from kernel.clock import Instant
from kernel.live import touch
from kernel.outbox.api import TryLater
from kernel.problems import NotFound
from kernel.staff.api import SYSTEM, Actor
from kernel.statements import Statement

_PAUSE = timedelta(seconds=5)
MATCHED_BY_ITSELF = "Hệ thống (tiền đã tự khớp)"


class NoSuchTransaction(NotFound):
    slug = "no-such-transaction"


class HeldTransaction(Struct, frozen=True):
    """A transaction as it was when it was locked."""

    id: UUID
    state: str
    amount: int
    content: str
    structured_reference: str
    received_at: Instant


_HOLD = Statement(
    select(*(getattr(BankTransaction, name) for name in HeldTransaction.__struct_fields__))
    .where(BankTransaction.id == bindparam("transaction"))
    .with_for_update()
)
_NAMED = Statement(
    select(PaymentRequest.id, PaymentRequest.reference, PaymentRequest.amount).where(
        PaymentRequest.reference == any_(bindparam("references", type_=ARRAY(Text)))
    )
)
_MOVE = Statement(
    update(BankTransaction)
    .where(BankTransaction.id == bindparam("transaction"))
    .values(state=bindparam("state"))
)
# Using it also lets a proposal fall away that still waits for its second person.
_OVERTAKEN = (
    update(Proposal)
    .where(Proposal.transaction_id == bindparam("transaction"), Proposal.state == "PROPOSED")
    .values(
        state="REJECTED",
        decided_at=bindparam("at", type_=DateTime(timezone=True)),
        decided_name=bindparam("name"),
    )
    .cte("overtaken")
)
_USE = Statement(
    update(BankTransaction)
    .where(BankTransaction.id == bindparam("transaction"))
    .values(state=TransactionState.MATCHED.value, matched_at=bindparam("at", type_=DateTime(timezone=True)))
    .add_cte(_OVERTAKEN)
)


class TransactionView(Struct, frozen=True):
    """Money on the bank account as the work list shows it; the payer's name is masked."""

    id: UUID
    state: TransactionState
    amount: int
    content: str
    bank_name: str
    bank_reference: str
    counterparty: str
    occurred_at: Instant
    received_at: Instant


async def lock_transaction(session: AsyncSession, transaction_id: UUID) -> BankTransaction:
    """Return a transaction, locked. Raises NoSuchTransaction."""
    row = await session.get(BankTransaction, transaction_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NoSuchTransaction("Không có giao dịch này.")
    return row


async def match_transaction(
    session: AsyncSession, transaction_id: UUID, *, settings: BillingSettings, now: Instant
) -> TransactionState:
    """Match a transfer once; doing it again changes nothing.

    Raises TryLater while it names a reference whose request may not be committed yet.
    """
    row = await _HOLD.first(session, transaction=transaction_id)
    if row is None:
        raise NoSuchTransaction("Không có giao dịch này.")
    transaction = HeldTransaction(**row)
    if transaction.state != TransactionState.RECEIVED:
        return TransactionState(transaction.state)
    named = named_references(structured=transaction.structured_reference, content=transaction.content)
    rows = await _NAMED.rows(session, references=[*named.sure, *named.repaired])
    verdict = judge(named, [Candidate(row["reference"], row["amount"]) for row in rows], transaction.amount)
    if verdict.state is TransactionState.MATCHED:
        request_id = next(row["id"] for row in rows if row["reference"] == verdict.reference)
        await use_transaction(
            session,
            transaction,
            request_id,
            quality=verdict.quality,
            actor=SYSTEM,
            settings=settings,
            now=now,
        )
        return verdict.state
    waited = now - transaction.received_at
    if named.sure and not rows and waited < timedelta(seconds=settings.unknown_reference_seconds):
        raise TryLater("Mã tham chiếu chưa có trong sổ.", after=_PAUSE)
    await _suspend(session, transaction, verdict.state, now=now)
    return verdict.state


async def use_transaction(
    session: AsyncSession,
    transaction: BankTransaction | HeldTransaction,
    request_id: UUID,
    *,
    quality: Quality,
    actor: Actor,
    settings: BillingSettings,
    now: Instant,
) -> None:
    """Pay a request with a locked transaction; money in suspense leaves it, a proposal nobody decided falls away."""
    old = TransactionState(transaction.state)
    assert TransactionState.MATCHED in NEXT[old], "a transaction is used once"
    money = Money(
        amount=transaction.amount,
        source=Book.BANK if old is TransactionState.RECEIVED else Book.SUSPENSE,
        method=Method.TRANSFER,
        actor=actor,
        transaction_id=transaction.id,
        quality=quality,
    )
    await _USE.rows(session, transaction=transaction.id, at=now, name=MATCHED_BY_ITSELF)
    await pay_request(session, request_id, money, now=now, settings=settings)


async def _suspend(
    session: AsyncSession, transaction: HeldTransaction, state: TransactionState, *, now: Instant
) -> None:
    """Put money nobody named into suspense: on the work list until two people attach it."""
    await _MOVE.rows(session, transaction=transaction.id, state=state)
    await post(
        session,
        NewEntry(
            kind=EntryKind.UNMATCHED,
            sides=sides((Book.BANK, transaction.amount), (Book.SUSPENSE, -transaction.amount)),
            actor_id=SYSTEM.id,
            at=now,
            transaction_id=transaction.id,
        ),
    )
    touch(session, TILL_TOPIC, {"transaction_id": str(transaction.id)})


async def open_transactions(session: AsyncSession, *, limit: int = 200) -> Sequence[TransactionView]:
    """Return money without an owner, oldest first, and what is still being matched."""
    waiting = (TransactionState.RECEIVED, TransactionState.UNMATCHED, TransactionState.AMBIGUOUS)
    query = (
        select(BankTransaction)
        .where(BankTransaction.state.in_(waiting))
        .order_by(BankTransaction.received_at)
        .limit(limit)
    )
    return [transaction_view(row) for row in await session.scalars(query)]


def transaction_view(row: BankTransaction) -> TransactionView:
    """Return what staff may see of a transaction."""
    return TransactionView(
        id=row.id,
        state=TransactionState(row.state),
        amount=row.amount,
        content=row.content,
        bank_name=row.bank_name,
        bank_reference=row.bank_reference,
        counterparty=row.counterparty,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
    )
