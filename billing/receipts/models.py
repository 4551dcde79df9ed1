"""Tables of receipts."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base
from kernel.money import PositiveVnd, Vnd


class Book(Base):
    """A receipt book (quyển) of one till and year, or the automatic one. `next_number` has no gaps behind it."""

    __tablename__ = "billing_book"
    __table_args__ = (CheckConstraint("next_number > 0", name="next_number"),)

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    next_number: Mapped[int] = mapped_column(BigInteger)


class Receipt(Base):
    """Phiếu thu. Never edited, deleted or renumbered."""

    __tablename__ = "billing_receipt"
    __table_args__ = (
        UniqueConstraint("book", "year", "sequence"),
        CheckConstraint("kind IN ('BILL', 'DEPOSIT', 'EXCESS', 'REFUND')", name="kind"),
        CheckConstraint("method IN ('CASH', 'TRANSFER')", name="method"),
        CheckConstraint("amount > 0 AND excess >= 0 AND excess <= amount", name="amounts"),
        Index("ix_billing_receipt_episode_id", "episode_id"),
        Index("ix_billing_receipt_patient_id", "patient_id", "issued_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    book: Mapped[str] = mapped_column(Text)
    year: Mapped[int]
    sequence: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(Text)
    method: Mapped[str] = mapped_column(Text)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("billing_account.id"), index=True)
    episode_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    request_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing_request.id"), index=True)
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("billing_ledger_entry.id"), unique=True)
    reference: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    amount: Mapped[PositiveVnd]
    excess: Mapped[Vnd]
    cashier_name: Mapped[str] = mapped_column(Text)
    issued_at: Mapped[Instant]
