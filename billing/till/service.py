"""What the cashier's pages show."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from msgspec import Struct
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.absences.service import absent_with_money
from billing.accounts.models import Account
from billing.bills.service import bill
from billing.bills.views import BillView
from billing.care.rules import Person
from billing.care.service import people, person
from billing.receipts.service import receipts_of_episode
from billing.receipts.views import ReceiptView
from billing.references.rules import find_references
from billing.requests.models import PaymentRequest
from billing.requests.rules import RequestState
from billing.requests.service import requests_of_episode
from billing.requests.views import RequestView
from billing.settings import BillingSettings
from emr.api import BadScan, find_patients
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.staff.api import Actor

_PAGE = 100


class DueRow(Struct, frozen=True):
    """One account with something to pay: name and age only (DESIGN: one open chart)."""

    episode_id: UUID
    name: str
    birth_date: date | None
    due: int
    ended: bool
    asked: bool
    """A code is being shown for it."""
    absent: bool = False
    """The person paid something on an earlier day and did not come."""


class TillAccount(Struct, frozen=True):
    """The open account of the page."""

    person: Person
    bill: BillView
    requests: Sequence[RequestView]
    receipts: Sequence[ReceiptView]

    @property
    def open_request(self) -> RequestView | None:
        """The request whose code is shown."""
        return next((r for r in self.requests if r.state is RequestState.PENDING), None)


async def work_list(session: AsyncSession, *, now: Instant) -> list[DueRow]:
    """Return accounts that owe something, those whose care ended first, then the longest waiting.

    Who paid and did not come is among them, owing or not: that money waits for the person or goes back.
    """
    absent = await absent_with_money(session, now=now)
    query = (
        select(Account)
        .where(or_(Account.due > 0, Account.episode_id.in_(absent)) if absent else Account.due > 0)
        .order_by(Account.ended_at.is_(None), Account.opened_at)
        .limit(_PAGE)
    )
    return await _rows(session, (await session.scalars(query)).all(), absent)


async def _rows(
    session: AsyncSession, accounts: Sequence[Account], absent: Collection[UUID] = ()
) -> list[DueRow]:
    known = await people(session, {account.patient_id for account in accounts})
    pending = select(PaymentRequest.account_id).where(
        PaymentRequest.account_id.in_([account.id for account in accounts]),
        PaymentRequest.state == RequestState.PENDING,
    )
    asked = set(await session.scalars(pending))
    return [
        DueRow(
            episode_id=account.episode_id,
            name=who.name if who else "Người bệnh",
            birth_date=who.birth_date if who else None,
            due=account.due,
            ended=account.ended_at is not None,
            asked=account.id in asked,
            absent=account.episode_id in absent,
        )
        for account in accounts
        for who in [known.get(account.patient_id)]
    ]


async def till_account(
    session: AsyncSession, episode_id: UUID, *, actor: Actor, settings: BillingSettings, now: Instant
) -> TillAccount:
    """Open an account at the till; who looked is written down. Raises NoAccount, BillNotComputable."""
    view = await bill(session, episode_id, now=now, settings=settings)
    entry = Entry(Action.VIEW, f"billing.account:{view.account_id}", view.patient_id)
    await record(session, entry, actor)
    return TillAccount(
        person=await person(session, view.patient_id),
        bill=view,
        requests=await requests_of_episode(session, episode_id),
        receipts=await receipts_of_episode(session, episode_id),
    )


async def search(session: AsyncSession, typed: str) -> list[DueRow]:
    """Return accounts by what was scanned or typed: a payment reference, a card, a code, a name.

    Raises BadScan if a card was scanned that can't be read.
    """
    references = find_references(typed)
    query = select(Account).order_by(Account.opened_at.desc()).limit(20)
    if references:
        named = select(PaymentRequest.account_id).where(PaymentRequest.reference.in_(references))
        query = query.where(Account.id.in_(named))
    else:
        found = await find_patients(session, typed, 20)
        query = query.where(Account.patient_id.in_([hit.id for hit in found]))
    return await _rows(session, (await session.scalars(query)).all())


__all__ = ["BadScan", "DueRow", "TillAccount", "search", "till_account", "work_list"]
