"""Tables of prescriptions: children of a sheet of form DT-C and locked with it."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, Text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Prescription(Base):
    """An outpatient prescription; corrected only by another one that replaces it (TT 26/2025 Đ6 k9)."""

    __tablename__ = "emr_prescription"
    __table_args__ = (
        CheckConstraint("code ~ '^[0-9A-Za-z]{5}[0-9a-z]{7}-[NHCT]$'", name="code"),
        CheckConstraint("kind IN ('C', 'N', 'H', 'T') AND kind = right(code, 1)", name="kind"),
    )

    sheet_id: Mapped[UUID] = mapped_column(ForeignKey("emr_sheet.id"), primary_key=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    kind: Mapped[str] = mapped_column(Text)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("emr_visit.id"), index=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("emr_patient.id"), index=True)
    replaces_id: Mapped[UUID | None] = mapped_column(ForeignKey("emr_prescription.sheet_id"))
    prescribed_at: Mapped[Instant | None]
    valid_until: Mapped[date | None]


class PrescriptionLine(Base):
    """One drug of a prescription, with the words of the catalogue on the day it was prescribed."""

    __tablename__ = "emr_prescription_line"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("days BETWEEN 1 AND 90", name="days"),
        CheckConstraint("times_per_day BETWEEN 1 AND 24", name="times_per_day"),
    )

    sheet_id: Mapped[UUID] = mapped_column(ForeignKey("emr_prescription.sheet_id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    drug_code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    strength: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    quantity: Mapped[Decimal] = mapped_column(Numeric(9, 2))
    dose: Mapped[str] = mapped_column(Text)
    times_per_day: Mapped[int]
    route: Mapped[str] = mapped_column(Text)
    moment: Mapped[str] = mapped_column(Text)
    days: Mapped[int]
