"""Table of prices."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base
from kernel.money import Vnd


class PriceRow(Base):
    """One price of one service. A later row of the same kind ends an earlier one; rows are never edited."""

    __tablename__ = "billing_price"
    __table_args__ = (
        UniqueConstraint("service_code", "kind", "valid_from"),
        CheckConstraint("kind IN ('BHYT', 'FEE', 'ON_DEMAND', 'FOREIGNER')", name="kind"),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="days"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    service_code: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    amount: Mapped[Vnd]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
