"""Tables of the ledger. Triggers refuse UPDATE, DELETE and TRUNCATE; at commit every entry must sum to zero."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Entry(Base):
    """One movement of money (bút toán), told once; a mistake is reversed by another entry."""

    __tablename__ = "billing_ledger_entry"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('PAYMENT', 'DEPOSIT', 'UNMATCHED', 'ATTACH', 'SETTLE', 'MOVE', 'REFUND', 'REVERSAL')",
            name="kind",
        ),
        CheckConstraint("(kind = 'REVERSAL') = (reverses_id IS NOT NULL)", name="reverses"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing_account.id"), index=True)
    request_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing_request.id"))
    transaction_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing_bank_transaction.id"), index=True)
    shift_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing_shift.id"))
    reverses_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing_ledger_entry.id"), unique=True)
    reason: Mapped[str] = mapped_column(Text)
    actor_id: Mapped[UUID]
    at: Mapped[Instant]


class Posting(Base):
    """One side of an entry: debit above 0, credit below. `account_id` names whose money it is."""

    __tablename__ = "billing_ledger_posting"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount"),
        CheckConstraint(
            "book IN ('CASH', 'BANK', 'SUSPENSE', 'PATIENT', 'FUND', 'REVENUE', 'DEPOSIT', 'EXCESS')",
            name="book",
        ),
        CheckConstraint(
            "book NOT IN ('PATIENT', 'DEPOSIT', 'EXCESS') OR account_id IS NOT NULL", name="whose"
        ),
        Index("ix_billing_ledger_posting_account_book", "account_id", "book"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("billing_ledger_entry.id"), index=True)
    book: Mapped[str] = mapped_column(Text)
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing_account.id"))
    amount: Mapped[int] = mapped_column(BigInteger)
