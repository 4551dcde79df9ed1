"""Table of emergency access."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class EmergencyAccess(Base):
    """Mở khẩn: somebody outside the care team opened a person's record, why and how long; another judges it later."""

    __tablename__ = "emr_emergency_access"
    __table_args__ = (
        CheckConstraint("until > opened_at", name="until"),
        CheckConstraint("length(reason) >= 10", name="reason"),
        CheckConstraint("(reviewed_at IS NULL) = (justified IS NULL)", name="reviewed"),
        CheckConstraint("reviewed_by <> staff_id", name="second_person"),
        Index("ix_emr_emergency_access_staff_patient", "staff_id", "patient_id", "until"),
        Index("ix_emr_emergency_access_open", "opened_at", postgresql_where=text("reviewed_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("kernel_staff_account.id"))
    staff_name: Mapped[str] = mapped_column(Text)
    department_code: Mapped[str] = mapped_column(Text)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("emr_patient.id"))
    reason: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[Instant]
    until: Mapped[Instant]
    reviewed_at: Mapped[Instant | None]
    reviewed_by: Mapped[UUID | None]
    reviewed_name: Mapped[str] = mapped_column(Text)
    justified: Mapped[bool | None]
    review_note: Mapped[str] = mapped_column(Text)
