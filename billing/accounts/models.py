"""Table of accounts."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base
from kernel.money import Vnd


class Account(Base):
    """What one đợt khám chữa bệnh (MA_LK) costs and who paid: exam rooms, emergency and the stay that follows."""

    __tablename__ = "billing_account"
    __table_args__ = (
        CheckConstraint("state IN ('OPEN', 'SETTLED')", name="state"),
        CheckConstraint("(state = 'SETTLED') = (settled_at IS NOT NULL)", name="settled"),
        CheckConstraint("due >= 0", name="due"),
        CheckConstraint("(state = 'SETTLED') = (frozen_bill IS NOT NULL)", name="frozen"),
        Index("ix_billing_account_due", "opened_at", postgresql_where=text("due > 0")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    episode_id: Mapped[UUID] = mapped_column(unique=True)
    patient_id: Mapped[UUID] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(Text)
    due: Mapped[Vnd] = mapped_column(default=0)
    """What was left to collect when the bill was last computed: for work lists only."""
    opened_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
    """The care ended: nothing more will be ordered."""
    settled_at: Mapped[Instant | None]
    frozen_bill: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The bill as it was settled; later parameters do not change it."""
