"""Tables of payment requests."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base
from kernel.money import PositiveVnd, Vnd


class PaymentRequest(Base):
    """Yêu cầu thanh toán: a frozen amount under one reference. Everything but its state and money never changes."""

    __tablename__ = "billing_request"
    __table_args__ = (
        CheckConstraint("kind IN ('BILL', 'DEPOSIT')", name="kind"),
        CheckConstraint(
            "amount > 0 AND received >= 0 AND excess >= 0 AND received <= amount", name="amounts"
        ),
        CheckConstraint(
            "state IN ('PENDING', 'PAID', 'UNDERPAID', 'OVERPAID', 'EXPIRED', 'CANCELLED')", name="state"
        ),
        CheckConstraint("reference ~ '^VP[1-9][0-9]{10}$'", name="reference"),
        CheckConstraint("state <> 'UNDERPAID' OR received < amount", name="underpaid"),
        CheckConstraint("(state = 'OVERPAID') = (excess > 0)", name="overpaid"),
        Index("ix_billing_request_counter", "counter", "created_at"),
        Index("ix_billing_request_account_id", "account_id", "created_at"),
        Index("ix_billing_request_pending", "expires_at", postgresql_where=text("state = 'PENDING'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("billing_account.id"))
    reference: Mapped[str] = mapped_column(Text, unique=True)
    amount: Mapped[PositiveVnd]
    received: Mapped[Vnd] = mapped_column(default=0)
    excess: Mapped[Vnd] = mapped_column(default=0)
    payload: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    masked_name: Mapped[str] = mapped_column(Text)
    counter: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    late: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Instant]
    created_by: Mapped[UUID]
    expires_at: Mapped[Instant]
    closed_at: Mapped[Instant | None]
    closed_reason: Mapped[str] = mapped_column(Text, default="")


class RequestCharge(Base):
    """A charge that a request asks for, and so releases when it is paid."""

    __tablename__ = "billing_request_charge"

    request_id: Mapped[UUID] = mapped_column(ForeignKey("billing_request.id"), primary_key=True)
    charge_id: Mapped[UUID] = mapped_column(ForeignKey("billing_charge.id"), primary_key=True, index=True)
