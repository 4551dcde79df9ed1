"""Table of paired second screens."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Screen(Base):
    """A customer-facing display. It holds a token of which we keep the hash; a cashier types its code once."""

    __tablename__ = "billing_screen"
    __table_args__ = (
        CheckConstraint("code ~ '^[0-9]{6}$'", name="code"),
        CheckConstraint("paired_at IS NULL OR paired_by IS NOT NULL", name="paired"),
        Index("uq_billing_screen_code", "code", unique=True, postgresql_where=text("paired_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    counter: Mapped[str] = mapped_column(ForeignKey("billing_counter.code"))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    code: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[Instant]
    paired_at: Mapped[Instant | None]
    paired_by: Mapped[UUID | None]
    revoked_at: Mapped[Instant | None]
