"""Store a notice, believe it or not, and turn it into a bank transaction, once."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.notices.models import BankTransaction, Evidence, Notice
from billing.notices.rules import (
    BadNotice,
    BadSignature,
    Direction,
    ProviderEvent,
    read_casso,
    read_payos,
    read_sepay,
    verify_casso,
    verify_payos,
    verify_sepay,
)
from billing.settings import BillingSettings
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.outbox.api import enqueue
from kernel.problems import Conflict, NotFound, Problem, Refused
from kernel.text import mask_name

READ_JOB = "billing.read_notice"
MATCH_JOB = "billing.match_transaction"
LARGEST_BYTES = 65_536
_SAFETY_NET = timedelta(seconds=2)  # The process that took the notice goes on by itself at once.
_KEPT_HEADERS = (
    "content-type",
    "user-agent",
    "x-sepay-timestamp",
    "x-sepay-signature",
    "x-casso-signature",
)


class Outcome(StrEnum):
    """What became of a notice."""

    TAKEN = "TAKEN"
    KNOWN = "KNOWN"
    """The same money told again, by the same id or by another channel."""
    TEST = "TEST"
    """A gateway's test call."""
    FORGED = "FORGED"
    UNREADABLE = "UNREADABLE"
    CONFLICT = "CONFLICT"
    """A known id with other content: kept, and a person must look."""


class Delivery(Struct, frozen=True):
    """What arrived. Header names in lower case."""

    provider: str
    raw: bytes
    headers: Mapping[str, str]
    ip: str


class NoticeJob(Struct, frozen=True):
    notice_id: UUID


class MatchJob(Struct, frozen=True):
    transaction_id: UUID


class NoticeResult(Struct, frozen=True):
    """`transaction_id` is set if there is something to match."""

    outcome: Outcome
    detail: str = ""
    transaction_id: UUID | None = None


class UnknownProvider(NotFound):
    slug = "unknown-provider"


class NoticeTooLarge(Refused):
    slug = "notice-too-large"


class NoticeForged(Problem):
    status, slug = 401, "notice-forged"


class NoticeUnreadable(Refused):
    slug = "notice-unreadable"


class NoticeConflicts(Conflict):
    slug = "notice-conflicts"


_Verify = Callable[..., None]
_PROVIDERS: dict[str, tuple[_Verify, Callable[[bytes], ProviderEvent]]] = {
    "sepay": (verify_sepay, read_sepay),
    "casso": (verify_casso, read_casso),
    "payos": (verify_payos, read_payos),
}


async def store_notice(session: AsyncSession, delivery: Delivery, *, now: Instant) -> UUID:
    """Keep a delivery byte for byte, with the job that reads it should this process die.

    Raises UnknownProvider, NoticeTooLarge.
    """
    if delivery.provider not in _PROVIDERS:
        raise UnknownProvider("Không có cổng thông báo này.")
    if len(delivery.raw) > LARGEST_BYTES:
        raise NoticeTooLarge("Thông báo quá lớn.")
    notice_id = new_id()
    session.add(
        Notice(
            id=notice_id,
            provider=delivery.provider,
            raw=delivery.raw,
            sha256=hashlib.sha256(delivery.raw).hexdigest(),
            headers={name: delivery.headers[name] for name in _KEPT_HEADERS if name in delivery.headers},
            ip=delivery.ip,
            verdict="",
            received_at=now,
        )
    )
    await session.flush()
    key = str(notice_id)
    await enqueue(session, READ_JOB, NoticeJob(notice_id), key=key, run_at=now + _SAFETY_NET)
    return notice_id


async def read_notice(
    session: AsyncSession, notice_id: UUID, *, settings: BillingSettings, now: Instant
) -> NoticeResult:
    """Verify and read a stored notice and record the money it tells of. Doing it again changes nothing."""
    notice = await session.get_one(Notice, notice_id, with_for_update=True)
    if notice.verdict:
        return NoticeResult(Outcome.KNOWN, notice.verdict)
    known = await session.scalar(select(Evidence.transaction_id).where(Evidence.notice_id == notice_id))
    if known is not None:
        return NoticeResult(Outcome.KNOWN)
    try:
        event = _believe(notice, settings)
    except BadSignature as error:
        return await _verdict(session, notice, Outcome.FORGED, str(error))
    except BadNotice as error:
        return await _verdict(session, notice, Outcome.UNREADABLE, str(error))
    if event.test_call:
        return await _verdict(session, notice, Outcome.TEST, "Cuộc gọi thử của cổng thanh toán.")
    return await _record(session, notice, event, now=now)


def _believe(notice: Notice, settings: BillingSettings) -> ProviderEvent:
    verify, read = _PROVIDERS[notice.provider]
    secret = getattr(settings, f"{notice.provider}_secret")
    moment: datetime = notice.received_at  # Its age when it came, not when it is read.
    verify(notice.raw, notice.headers, secret=secret, now=moment)
    return read(notice.raw)


async def _verdict(session: AsyncSession, notice: Notice, outcome: Outcome, detail: str) -> NoticeResult:
    await session.execute(update(Notice).where(Notice.id == notice.id).values(verdict=detail))
    return NoticeResult(outcome, detail)


def _fingerprint(event: ProviderEvent) -> str:
    told = f"{event.account}|{event.direction}|{event.amount}|{event.content}|{event.bank_reference}"
    return hashlib.sha256(told.encode()).hexdigest()


async def _record(
    session: AsyncSession, notice: Notice, event: ProviderEvent, *, now: Instant
) -> NoticeResult:
    """Write the transaction unless it is known: by the provider's id, else by the bank's reference."""
    lock = func.hashtextextended(f"{event.provider}:{event.txn_id}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(lock)))
    fingerprint = _fingerprint(event)
    told = await session.scalar(
        select(Evidence.fingerprint).where(
            Evidence.provider == event.provider, Evidence.txn_id == event.txn_id
        )
    )
    if told is not None and told != fingerprint:
        return await _verdict(
            session, notice, Outcome.CONFLICT, "Mã giao dịch này đã được báo với nội dung khác."
        )
    if told is not None:
        return await _verdict(session, notice, Outcome.KNOWN, "Đã được báo trước đó.")
    transaction_id = await _write_transaction(session, event, now=now)
    fresh = transaction_id is not None
    transaction_id = transaction_id or await _by_bank_reference(session, event)
    session.add(
        Evidence(
            notice_id=notice.id,
            transaction_id=transaction_id,
            provider=event.provider,
            txn_id=event.txn_id,
            fingerprint=fingerprint,
        )
    )
    await session.flush()
    if not fresh:
        return await _verdict(session, notice, Outcome.KNOWN, "Đã được báo qua kênh khác.")
    if event.direction is Direction.OUT or not event.amount:
        return NoticeResult(Outcome.TAKEN, "Tiền ra được ghi lại, không khớp với khoản thu nào.")
    key = str(transaction_id)
    await enqueue(session, MATCH_JOB, MatchJob(transaction_id), key=key, run_at=now + _SAFETY_NET)
    return NoticeResult(Outcome.TAKEN, transaction_id=transaction_id)


async def _write_transaction(session: AsyncSession, event: ProviderEvent, *, now: Instant) -> UUID | None:
    """Insert the transaction; None if the bank's reference is already there with this amount and direction."""
    ignored = event.direction is Direction.OUT or not event.amount
    values = {
        "id": new_id(),
        "account": event.account,
        "va": event.va,
        "direction": event.direction,
        "amount": event.amount,
        "content": event.content,
        "bank_name": event.bank_name,
        "bank_reference": event.bank_reference,
        "structured_reference": event.structured_reference,
        "counterparty": mask_name(event.counterparty_name) if event.counterparty_name else "",
        "occurred_at": event.occurred_at,
        "received_at": now,
        "state": "IGNORED_OUT" if ignored else "RECEIVED",
    }
    written = insert(BankTransaction).values(values).on_conflict_do_nothing().returning(BankTransaction.id)
    found: UUID | None = await session.scalar(written)
    return found


async def _by_bank_reference(session: AsyncSession, event: ProviderEvent) -> UUID:
    query = select(BankTransaction.id).where(
        BankTransaction.account == event.account,
        BankTransaction.bank_reference == event.bank_reference,
        BankTransaction.amount == event.amount,
        BankTransaction.direction == event.direction,
    )
    return (await session.scalars(query)).one()
