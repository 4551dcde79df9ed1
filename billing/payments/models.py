"""Table of allocations."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Allocation(Base):
    """What a bank transaction paid: the part of the request and the part to give back. Never edited."""

    __tablename__ = "billing_allocation"
    __table_args__ = (
        CheckConstraint("to_request >= 0 AND excess >= 0 AND to_request + excess > 0", name="amounts"),
        CheckConstraint("quality IN ('EXACT', 'REPAIRED', 'ATTACHED')", name="quality"),
    )

    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("billing_bank_transaction.id"), primary_key=True)
    request_id: Mapped[UUID] = mapped_column(ForeignKey("billing_request.id"), index=True)
    to_request: Mapped[int] = mapped_column(BigInteger)
    excess: Mapped[int] = mapped_column(BigInteger)
    quality: Mapped[str] = mapped_column(Text)
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("billing_ledger_entry.id"))
    at: Mapped[Instant]
