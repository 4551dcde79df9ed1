"""Table of refunds."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base
from kernel.money import PositiveVnd


class Refund(Base):
    """Money to give back: tạm ứng that is left, or nộp thừa. Its ledger entry is written when it leaves."""

    __tablename__ = "billing_refund"
    __table_args__ = (
        CheckConstraint("source IN ('DEPOSIT', 'EXCESS')", name="source"),
        CheckConstraint("method IN ('CASH', 'TRANSFER')", name="method"),
        CheckConstraint(
            "state IN ('REQUESTED', 'APPROVED', 'REJECTED', 'SENT', 'CONFIRMED', 'FAILED')", name="state"
        ),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("decided_by <> requested_by", name="second_person"),
        CheckConstraint("state IN ('REQUESTED') OR decided_by IS NOT NULL", name="decided"),
        CheckConstraint("(state IN ('SENT', 'CONFIRMED', 'FAILED')) = (entry_id IS NOT NULL)", name="posted"),
        CheckConstraint("method = 'CASH' OR (to_account <> '' AND to_holder <> '')", name="where"),
        Index("ix_billing_refund_account_id", "account_id"),
        Index(
            "ix_billing_refund_open",
            "requested_at",
            postgresql_where=text("state IN ('REQUESTED', 'APPROVED', 'SENT')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("billing_account.id"))
    episode_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("billing_receipt.id"))
    """The receipt the money came by (số phiếu thu tạm ứng)."""
    source: Mapped[str] = mapped_column(Text)
    method: Mapped[str] = mapped_column(Text)
    amount: Mapped[PositiveVnd]
    reason: Mapped[str] = mapped_column(Text)
    to_bank: Mapped[str] = mapped_column(Text)
    to_account: Mapped[str] = mapped_column(Text)
    to_holder: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[Instant]
    requested_by: Mapped[UUID]
    requested_name: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[Instant | None]
    decided_by: Mapped[UUID | None]
    decided_name: Mapped[str] = mapped_column(Text)
    decision_note: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[Instant | None]
    sent_name: Mapped[str] = mapped_column(Text)
    bank_reference: Mapped[str] = mapped_column(Text)
    closed_at: Mapped[Instant | None]
    failure: Mapped[str] = mapped_column(Text)
    entry_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing_ledger_entry.id"), unique=True)
