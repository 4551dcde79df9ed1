"""Tables of matching."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Proposal(Base):
    """A cashier says whose money it is, another person confirms (nguyên tắc hai người)."""

    __tablename__ = "billing_match_proposal"
    __table_args__ = (
        CheckConstraint("state IN ('PROPOSED', 'CONFIRMED', 'REJECTED')", name="state"),
        CheckConstraint("(state = 'PROPOSED') = (decided_at IS NULL)", name="decided"),
        CheckConstraint("decided_by <> proposed_by", name="two_people"),
        CheckConstraint("length(reason) >= 3", name="reason"),
        Index(
            "uq_billing_match_proposal_open",
            "transaction_id",
            unique=True,
            postgresql_where=text("state = 'PROPOSED'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("billing_bank_transaction.id"))
    request_id: Mapped[UUID] = mapped_column(ForeignKey("billing_request.id"))
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[UUID]
    proposed_name: Mapped[str] = mapped_column(Text)
    proposed_at: Mapped[Instant]
    decided_by: Mapped[UUID | None]
    decided_name: Mapped[str] = mapped_column(Text, default="")
    decided_at: Mapped[Instant | None]
