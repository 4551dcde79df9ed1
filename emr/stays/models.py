"""Tables of stays and the use of beds."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Stay(Base):
    """Đợt điều trị nội trú, from admission to discharge."""

    __tablename__ = "emr_stay"
    __table_args__ = (
        CheckConstraint("state IN ('OPEN', 'ENDED')", name="state"),
        CheckConstraint(
            "(state = 'ENDED') = (discharged_at IS NOT NULL AND outcome IS NOT NULL)", name="ended"
        ),
        CheckConstraint("discharged_at >= admitted_at", name="order"),
        Index("uq_emr_stay_patient_open", "patient_id", unique=True, postgresql_where=text("state = 'OPEN'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(Text, unique=True)
    """Số vào viện."""
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("emr_episode.id"), index=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("emr_visit.id"))
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("emr_patient.id"))
    department_code: Mapped[str] = mapped_column(ForeignKey("emr_department.code"))
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    diagnosis_code: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    admitted_at: Mapped[Instant]
    admitted_by: Mapped[UUID]
    discharged_at: Mapped[Instant | None]
    discharged_by: Mapped[UUID | None]
    outcome: Mapped[str | None] = mapped_column(Text)


class BedUse(Base):
    """A stay's time in a bed. The database refuses two people in one bed at one moment."""

    __tablename__ = "emr_bed_use"
    __table_args__ = (
        ExcludeConstraint(
            (text("int4range(bed_number, bed_number, '[]')"), "&&"),
            ("during", "&&"),
            name="ex_emr_bed_use_bed_during",
            using="gist",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    stay_id: Mapped[UUID] = mapped_column(ForeignKey("emr_stay.id"), index=True)
    bed_code: Mapped[str] = mapped_column(ForeignKey("emr_bed.code"))
    bed_number: Mapped[int] = mapped_column(Integer)
    during: Mapped[Range[Instant]] = mapped_column(TSTZRANGE)
    placed_by: Mapped[UUID]
