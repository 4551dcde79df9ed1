"""Attach money without an owner to a request: a cashier proposes, another person confirms (nguyên tắc hai người)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, convert
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.accounts.models import Account
from billing.matching.models import Proposal
from billing.matching.rules import NEXT, Quality, TransactionState
from billing.matching.service import lock_transaction, use_transaction
from billing.notices.models import BankTransaction
from billing.references.rules import is_reference
from billing.requests.models import PaymentRequest
from billing.requests.rules import RequestState
from billing.requests.service import TILL_TOPIC, view_of
from billing.requests.views import RequestView
from billing.settings import BillingSettings
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.live import touch
from kernel.problems import Conflict, Forbidden, NotFound, Refused
from kernel.staff.api import Actor

_NEAR = timedelta(minutes=30)
Reason = Annotated[str, Meta(min_length=3, max_length=500)]


class Propose(Struct, frozen=True, forbid_unknown_fields=True):
    """Say whose money it is, by the reference printed under the person's QR code, and why. `id` is kept."""

    id: UUID
    transaction_id: UUID
    reference: str
    reason: Reason


class Decide(Struct, frozen=True, forbid_unknown_fields=True):
    """Confirm or reject what a colleague proposed."""

    confirm: bool


class ProposalView(Struct, frozen=True):
    id: UUID
    transaction_id: UUID
    request_id: UUID
    reason: str
    state: str
    proposed_by: UUID
    proposed_name: str
    proposed_at: Instant
    decided_name: str
    decided_at: Instant | None


class NotOnWorkList(Conflict):
    slug = "transaction-not-open"


class AlreadyProposed(Conflict):
    slug = "transaction-already-proposed"


class NoSuchProposal(NotFound):
    slug = "no-such-proposal"


class ProposalDecided(Conflict):
    slug = "proposal-decided"


class SecondPersonNeeded(Forbidden):
    slug = "second-person-needed"


class UnknownReference(Refused):
    slug = "unknown-reference"


async def propose(session: AsyncSession, command: Propose, *, actor: Actor, now: Instant) -> ProposalView:
    """Propose once. Raises UnknownReference, NotOnWorkList, AlreadyProposed."""
    existing = await session.get(Proposal, command.id)
    if existing is not None:
        return convert(existing, ProposalView, from_attributes=True)
    transaction = await lock_transaction(session, command.transaction_id)
    if TransactionState.MATCHED not in NEXT[TransactionState(transaction.state)]:
        raise NotOnWorkList("Giao dịch này đã được khớp hoặc là tiền ra.")
    reference = command.reference.strip().upper()
    query = select(PaymentRequest.id).where(PaymentRequest.reference == reference)
    request_id = await session.scalar(query) if is_reference(reference) else None
    if request_id is None:
        raise UnknownReference("Không có mã thanh toán này. Hãy kiểm tra lại 13 ký tự.", field="reference")
    proposal = Proposal(
        id=command.id,
        transaction_id=transaction.id,
        request_id=request_id,
        reason=command.reason,
        state="PROPOSED",
        proposed_by=actor.id,
        proposed_name=actor.name,
        proposed_at=now,
        decided_name="",
    )
    try:
        async with session.begin_nested():
            session.add(proposal)
    except IntegrityError as error:
        raise AlreadyProposed("Đã có đề nghị cho giao dịch này, đang chờ người thứ hai.") from error
    subject = f"billing.bank_transaction:{transaction.id}"
    detail = {"request_id": str(request_id)}
    await record(session, Entry(Action.CHANGE, subject, reason=command.reason, detail=detail), actor)
    touch(session, TILL_TOPIC, {"transaction_id": str(transaction.id)})
    return convert(proposal, ProposalView, from_attributes=True)


async def decide(
    session: AsyncSession,
    proposal_id: UUID,
    command: Decide,
    *,
    actor: Actor,
    settings: BillingSettings,
    now: Instant,
) -> ProposalView:
    """Confirm or reject a colleague's proposal; confirming pays the request.

    Raises NoSuchProposal, ProposalDecided, SecondPersonNeeded, NotOnWorkList.
    """
    proposal = await session.get(Proposal, proposal_id, with_for_update=True, populate_existing=True)
    if proposal is None:
        raise NoSuchProposal("Không có đề nghị này.")
    if proposal.state != "PROPOSED":
        raise ProposalDecided("Đề nghị này đã được quyết định.")
    if proposal.proposed_by == actor.id and command.confirm:
        raise SecondPersonNeeded("Người đề nghị không được tự xác nhận. Hãy nhờ đồng nghiệp xác nhận.")
    transaction = await lock_transaction(session, proposal.transaction_id)
    if transaction.state == TransactionState.MATCHED:
        raise NotOnWorkList("Giao dịch này đã được khớp.")
    if command.confirm:
        proposal.state, proposal.decided_by = "CONFIRMED", actor.id
    else:
        proposal.state = "REJECTED"
        proposal.decided_by = actor.id if actor.id != proposal.proposed_by else None
    proposal.decided_at, proposal.decided_name = now, actor.name
    await session.flush()
    subject = f"billing.bank_transaction:{transaction.id}"
    await record(session, Entry(Action.CHANGE, subject, detail={"confirmed": command.confirm}), actor)
    touch(session, TILL_TOPIC, {"transaction_id": str(transaction.id)})
    view = convert(proposal, ProposalView, from_attributes=True)
    if command.confirm:
        await use_transaction(
            session,
            transaction,
            proposal.request_id,
            quality=Quality.ATTACHED,
            actor=actor,
            settings=settings,
            now=now,
        )
    return view


async def open_proposals(session: AsyncSession) -> Sequence[ProposalView]:
    """Return what waits for a second person."""
    rows = await session.scalars(select(Proposal).where(Proposal.state == "PROPOSED"))
    return [convert(row, ProposalView, from_attributes=True) for row in rows]


async def suggestions(session: AsyncSession, transaction_id: UUID) -> Sequence[RequestView]:
    """Return requests of the same amount made within half an hour: hints only, never posted by themselves."""
    transaction = await session.get_one(BankTransaction, transaction_id)
    query = (
        select(PaymentRequest, Account)
        .join(Account, Account.id == PaymentRequest.account_id)
        .where(
            PaymentRequest.amount == transaction.amount,
            PaymentRequest.created_at.between(
                transaction.occurred_at - _NEAR, transaction.occurred_at + _NEAR
            ),
            PaymentRequest.state.not_in([RequestState.PAID, RequestState.OVERPAID]),
        )
        .limit(5)
    )
    return [view_of(*row) for row in await session.execute(query)]
