"""Store a notice, believe it or not, and turn it into a bank transaction, once."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Text, Uuid, bindparam, func, select, update
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
from kernel.outbox.api import enqueued_later, later_values
from kernel.problems import Conflict, NotFound, Problem, Refused
from kernel.statements import Statement
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


class StoredNotice(Struct, frozen=True):
    """What was kept of a delivery, and what was thought of it when it was read before."""

    id: UUID
    provider: str
    raw: bytes
    headers: Mapping[str, str]
    received_at: Instant
    verdict: str = ""


_KEPT = ("id", "provider", "raw", "sha256", "headers", "ip", "received_at")
_STORED_NOW = (
    insert(Notice)
    .values({name: bindparam(name) for name in _KEPT})
    .values(verdict="")
    .returning(Notice.id)
    .cte("stored")
)
_STORE = Statement(select(_STORED_NOW.c.id).add_cte(enqueued_later(_STORED_NOW)))
_STORED = Statement(
    select(*(getattr(Notice, name) for name in StoredNotice.__struct_fields__))
    .where(Notice.id == bindparam("notice"))
    .with_for_update()
)
_ALONE = Statement(
    # The lock outlives the statement: so it needs the transaction that a mere SELECT would not begin.
    select(
        func.pg_advisory_xact_lock(func.hashtextextended(bindparam("money", type_=Text), 0))
    ).with_for_update()
)
_TOLD = Statement(
    select(Evidence.notice_id, Evidence.fingerprint).where(
        Evidence.provider == bindparam("provider"), Evidence.txn_id == bindparam("txn_id")
    )
)
_TRANSACTION = [column.key for column in BankTransaction.__table__.columns if column.key != "matched_at"]
_WRITTEN = (
    insert(BankTransaction)
    .values({name: bindparam(name) for name in _TRANSACTION})
    .on_conflict_do_nothing()
    .returning(BankTransaction.id)
    .cte("written")
)
_EVIDENT = (
    insert(Evidence)
    .from_select(
        ["notice_id", "transaction_id", "provider", "txn_id", "fingerprint"],
        select(
            bindparam("notice_id", type_=Uuid),
            _WRITTEN.c.id,
            bindparam("provider", type_=Text),
            bindparam("txn_id", type_=Text),
            bindparam("fingerprint", type_=Text),
        ),
    )
    .returning(Evidence.transaction_id)
    .cte("evident")
)
# Nothing is written where the bank's reference is already there with this amount and direction.
_WRITE = Statement(select(_EVIDENT.c.transaction_id))
_WRITE_TO_MATCH = Statement(select(_EVIDENT.c.transaction_id).add_cte(enqueued_later(_EVIDENT)))


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


async def store_notice(session: AsyncSession, delivery: Delivery, *, now: Instant) -> StoredNotice:
    """Keep a delivery byte for byte, with the job that reads it should this process die; at once, if nothing else is open.

    Raises UnknownProvider, NoticeTooLarge.
    """
    if delivery.provider not in _PROVIDERS:
        raise UnknownProvider("Không có cổng thông báo này.")
    if len(delivery.raw) > LARGEST_BYTES:
        raise NoticeTooLarge("Thông báo quá lớn.")
    notice = StoredNotice(
        id=new_id(),
        provider=delivery.provider,
        raw=delivery.raw,
        headers={name: delivery.headers[name] for name in _KEPT_HEADERS if name in delivery.headers},
        received_at=now,
    )
    kept = {name: getattr(notice, name) for name in notice.__struct_fields__ if name != "verdict"}
    kept |= {"sha256": hashlib.sha256(notice.raw).hexdigest(), "ip": delivery.ip}
    safety_net = later_values(READ_JOB, NoticeJob(notice.id), key=str(notice.id), run_at=now + _SAFETY_NET)
    await _STORE.alone(session, **kept, **safety_net)
    return notice


async def stored_notice(session: AsyncSession, notice_id: UUID) -> StoredNotice:
    """Return a notice kept earlier, as the safety net reads it."""
    row = await _STORED.first(session, notice=notice_id)
    assert row is not None, "a notice is never deleted"
    return StoredNotice(**row)


async def read_notice(
    session: AsyncSession, notice: StoredNotice, *, settings: BillingSettings, now: Instant
) -> NoticeResult:
    """Verify and read a stored notice and record the money it tells of. Doing it again changes nothing."""
    if notice.verdict:
        return NoticeResult(Outcome.KNOWN, notice.verdict)
    try:
        event = _believe(notice, settings)
    except BadSignature as error:
        return await _verdict(session, notice, Outcome.FORGED, str(error))
    except BadNotice as error:
        return await _verdict(session, notice, Outcome.UNREADABLE, str(error))
    if event.test_call:
        return await _verdict(session, notice, Outcome.TEST, "Cuộc gọi thử của cổng thanh toán.")
    return await _record(session, notice, event, now=now)


def event_of(provider: str, raw: bytes) -> ProviderEvent:
    """Read once more what a believed notice told. Raises BadNotice."""
    _, read = _PROVIDERS[provider]
    return read(raw)


def _believe(notice: StoredNotice, settings: BillingSettings) -> ProviderEvent:
    verify, read = _PROVIDERS[notice.provider]
    secret = getattr(settings, f"{notice.provider}_secret")
    # Its age when it came, not when it is read.
    verify(notice.raw, notice.headers, secret=secret, now=notice.received_at)
    return read(notice.raw)


async def _verdict(
    session: AsyncSession, notice: StoredNotice, outcome: Outcome, detail: str
) -> NoticeResult:
    await session.execute(update(Notice).where(Notice.id == notice.id).values(verdict=detail))
    return NoticeResult(outcome, detail)


def _fingerprint(event: ProviderEvent) -> str:
    told = f"{event.account}|{event.direction}|{event.amount}|{event.content}|{event.bank_reference}"
    return hashlib.sha256(told.encode()).hexdigest()


async def _record(
    session: AsyncSession, notice: StoredNotice, event: ProviderEvent, *, now: Instant
) -> NoticeResult:
    """Write the transaction unless it is known: by the provider's id, else by the bank's reference."""
    await _ALONE.rows(session, money=f"{event.provider}:{event.txn_id}")
    fingerprint = _fingerprint(event)
    told = await _TOLD.first(session, provider=event.provider, txn_id=event.txn_id)
    if told is not None and told["notice_id"] == notice.id:
        return NoticeResult(Outcome.KNOWN)
    if told is not None and told["fingerprint"] != fingerprint:
        return await _verdict(
            session, notice, Outcome.CONFLICT, "Mã giao dịch này đã được báo với nội dung khác."
        )
    if told is not None:
        return await _verdict(session, notice, Outcome.KNOWN, "Đã được báo trước đó.")
    evidence = {
        "notice_id": notice.id,
        "provider": event.provider,
        "txn_id": event.txn_id,
        "fingerprint": fingerprint,
    }
    transaction = _transaction(event, now=now)
    if transaction["state"] == "RECEIVED":
        job, key = MatchJob(transaction["id"]), str(transaction["id"])
        safety_net = later_values(MATCH_JOB, job, key=key, run_at=now + _SAFETY_NET)
        written = await _WRITE_TO_MATCH.first(session, **transaction, **evidence, **safety_net)
    else:
        written = await _WRITE.first(session, **transaction, **evidence)
    if written is None:
        evidence["transaction_id"] = await _by_bank_reference(session, event)
        await session.execute(insert(Evidence).values(evidence))
        return await _verdict(session, notice, Outcome.KNOWN, "Đã được báo qua kênh khác.")
    if transaction["state"] != "RECEIVED":
        return NoticeResult(Outcome.TAKEN, "Tiền ra được ghi lại, không khớp với khoản thu nào.")
    return NoticeResult(Outcome.TAKEN, transaction_id=written["transaction_id"])


def _transaction(event: ProviderEvent, *, now: Instant) -> dict[str, Any]:
    """Return the row of the transaction that an event tells of."""
    ignored = event.direction is Direction.OUT or not event.amount
    return {
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


async def _by_bank_reference(session: AsyncSession, event: ProviderEvent) -> UUID:
    query = select(BankTransaction.id).where(
        BankTransaction.account == event.account,
        BankTransaction.bank_reference == event.bank_reference,
        BankTransaction.amount == event.amount,
        BankTransaction.direction == event.direction,
    )
    return (await session.scalars(query)).one()
