"""Table of measurements."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, Text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Measurement(Base):
    """One taking of dấu hiệu sinh tồn; a wrong one is voided, with who and why, never edited."""

    __tablename__ = "emr_vitals"
    __table_args__ = (
        CheckConstraint(
            "coalesce(pulse, temperature, systolic, respiration, spo2, weight, height) IS NOT NULL",
            name="something",
        ),
        CheckConstraint("(systolic IS NULL) = (diastolic IS NULL)", name="both_pressures"),
        CheckConstraint("systolic > diastolic", name="pressures"),
        CheckConstraint("(voided_at IS NULL) = (void_reason = '')", name="voided"),
        Index("ix_emr_vitals_visit_id_taken_at", "visit_id", "taken_at"),
        Index("ix_emr_vitals_patient_id_taken_at", "patient_id", "taken_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("emr_visit.id"))
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("emr_patient.id"))
    pulse: Mapped[int | None]
    temperature: Mapped[float | None] = mapped_column(Numeric(4, 1, asdecimal=False))
    systolic: Mapped[int | None]
    diastolic: Mapped[int | None]
    respiration: Mapped[int | None]
    spo2: Mapped[int | None]
    weight: Mapped[float | None] = mapped_column(Numeric(5, 1, asdecimal=False))
    height: Mapped[float | None] = mapped_column(Numeric(5, 1, asdecimal=False))
    note: Mapped[str] = mapped_column(Text)
    taken_at: Mapped[Instant]
    recorded_at: Mapped[Instant]
    staff_id: Mapped[UUID]
    staff_name: Mapped[str] = mapped_column(Text)
    voided_at: Mapped[Instant | None]
    voided_by: Mapped[UUID | None]
    void_reason: Mapped[str] = mapped_column(Text)
