"""Tables of bank notices. Raw notices and bank transactions are immutable; only a transaction's state moves."""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Notice(Base):
    """One delivery, byte for byte, stored before it is believed."""

    __tablename__ = "billing_notice"
    __table_args__ = (Index("ix_billing_notice_received_at", "received_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(Text)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    sha256: Mapped[str] = mapped_column(Text)
    headers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    ip: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(Text)
    """What became of it, in Vietnamese; empty when it was taken."""
    received_at: Mapped[Instant]


class BankTransaction(Base):
    """Money that moved on the hospital's account (giao dịch ngân hàng)."""

    __tablename__ = "billing_bank_transaction"
    __table_args__ = (
        CheckConstraint("direction IN ('IN', 'OUT')", name="direction"),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint(
            "state IN ('RECEIVED', 'MATCHED', 'UNMATCHED', 'AMBIGUOUS', 'IGNORED_OUT')", name="state"
        ),
        CheckConstraint("(state = 'IGNORED_OUT') = (direction = 'OUT' OR amount = 0)", name="ignored"),
        # Second line of defence: the same transfer told by two channels under two ids.
        Index(
            "uq_billing_bank_transaction_bank_reference",
            "account",
            "bank_reference",
            "amount",
            "direction",
            unique=True,
            postgresql_where=text("bank_reference <> ''"),
        ),
        Index(
            "ix_billing_bank_transaction_open",
            "received_at",
            postgresql_where=text("state IN ('RECEIVED', 'UNMATCHED', 'AMBIGUOUS')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(Text)
    va: Mapped[str] = mapped_column(Text)
    direction: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[str] = mapped_column(Text)
    bank_name: Mapped[str] = mapped_column(Text)
    bank_reference: Mapped[str] = mapped_column(Text)
    structured_reference: Mapped[str] = mapped_column(Text)
    counterparty: Mapped[str] = mapped_column(Text)
    """Masked for screens; personal data."""
    occurred_at: Mapped[Instant]
    received_at: Mapped[Instant]
    state: Mapped[str] = mapped_column(Text)
    matched_at: Mapped[Instant | None]


class Evidence(Base):
    """A notice that told of a transaction. The same id from the same provider is the same money, once."""

    __tablename__ = "billing_evidence"
    __table_args__ = (UniqueConstraint("provider", "txn_id"),)

    notice_id: Mapped[UUID] = mapped_column(ForeignKey("billing_notice.id"), primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("billing_bank_transaction.id"), index=True)
    provider: Mapped[str] = mapped_column(Text)
    txn_id: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(Text)
    """Account, direction, amount and content: another fingerprint under a known id is refused."""
