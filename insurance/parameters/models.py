"""Figures that a hospital adds to those that come with the program."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, Numeric, Text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import Base


class InsuranceParameter(Base):
    """One dated figure of the benefit rules (mức lương cơ sở, tỷ lệ, bội số), with the text that set it."""

    __tablename__ = "insurance_parameter"
    __table_args__ = (
        CheckConstraint("value >= 0", name="value_not_negative"),
        CheckConstraint("source <> ''", name="source_named"),
    )

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    value: Mapped[Decimal] = mapped_column(Numeric(16, 4))
    source: Mapped[str] = mapped_column(Text)
