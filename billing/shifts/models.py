"""Tables of counters and cash shifts."""

from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base
from kernel.money import Vnd


class Counter(Base):
    """A place where money is taken (quầy thu): a cashier's desk, or a machine without a drawer."""

    __tablename__ = "billing_counter"
    __table_args__ = (CheckConstraint("code ~ '^[A-Z0-9]{1,8}$'", name="code"),)

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)


class Shift(Base):
    """Ca thu: one cashier at one counter, from counted float to counted drawer."""

    __tablename__ = "billing_shift"
    __table_args__ = (
        CheckConstraint("opening_float >= 0 AND counted >= 0", name="amounts"),
        CheckConstraint("(closed_at IS NULL) = (counted IS NULL)", name="closed"),
        CheckConstraint("difference = 0 OR length(reason) >= 3", name="reason"),
        Index(
            "uq_billing_shift_cashier", "cashier_id", unique=True, postgresql_where=text("closed_at IS NULL")
        ),
        Index("uq_billing_shift_counter", "counter", unique=True, postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    counter: Mapped[str] = mapped_column(ForeignKey("billing_counter.code"))
    cashier_id: Mapped[UUID]
    cashier_name: Mapped[str] = mapped_column(Text)
    opening_float: Mapped[Vnd]
    opened_at: Mapped[Instant]
    counted: Mapped[int | None] = mapped_column(BigInteger)
    expected: Mapped[int | None] = mapped_column(BigInteger)
    difference: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(Text, default="")
    closed_at: Mapped[Instant | None]
