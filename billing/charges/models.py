"""Table of charges."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base
from kernel.money import Vnd


class Charge(Base):
    """One chi phí: an order at the price of its day. Voided, never deleted."""

    __tablename__ = "billing_charge"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint(
            "unit_price >= 0 AND insured_price >= 0 AND insured_price <= unit_price", name="prices"
        ),
        # A charge without a price is voided for one with: the order is then charged again.
        Index(
            "uq_billing_charge_order_id",
            "order_id",
            unique=True,
            postgresql_where=text("voided_at IS NULL"),
        ),
        CheckConstraint("kind IN ('BHYT', 'FEE', 'ON_DEMAND', 'FOREIGNER')", name="kind"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("billing_account.id"), index=True)
    order_id: Mapped[UUID]
    service_code: Mapped[str] = mapped_column(Text)
    service_name: Mapped[str] = mapped_column(Text)
    service_group: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int]
    unit_price: Mapped[Vnd]
    insured_price: Mapped[Vnd]
    payer: Mapped[str] = mapped_column(Text)
    """Đối tượng of the visit when it was ordered."""
    kind: Mapped[str] = mapped_column(Text)
    in_scope: Mapped[bool]
    on_demand: Mapped[bool]
    price_missing: Mapped[bool]
    """No price was in force: charged at 0 and shown to the accountant."""
    service_day: Mapped[date]
    placed_at: Mapped[Instant]
    recorded_at: Mapped[Instant]
    paid_request_id: Mapped[UUID | None] = mapped_column(ForeignKey("billing_request.id"))
    released_at: Mapped[Instant | None]
    """Paid for, or covered by money on the account: its order may be carried out."""
    voided_at: Mapped[Instant | None]
