"""Tables of places and of the duty roster."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Department(Base):
    """A department of the facility (khoa, phòng)."""

    __tablename__ = "emr_department"
    __table_args__ = (CheckConstraint("kind IN ('CLINICAL', 'SUPPORT', 'OFFICE')", name="kind"),)

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    insurance_code: Mapped[str] = mapped_column(Text)
    """MA_KHOA of the claim; empty until the facility's own list is confirmed."""
    active: Mapped[bool]


class Room(Base):
    """A room people are called to or lie in (phòng, buồng)."""

    __tablename__ = "emr_room"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('EXAM', 'EMERGENCY', 'LAB', 'IMAGING', 'FUNCTION', 'PROCEDURE', 'WARD', 'PHARMACY')",
            name="kind",
        ),
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    department_code: Mapped[str] = mapped_column(ForeignKey("emr_department.code"))
    kind: Mapped[str] = mapped_column(Text)
    area: Mapped[str] = mapped_column(Text)
    """Which board of the lobby shows its queue."""
    place: Mapped[str] = mapped_column(Text)
    """How to find it: "Tầng 1, nhà A"."""
    active: Mapped[bool]


class Bed(Base):
    """A bed of a ward (giường)."""

    __tablename__ = "emr_bed"

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, unique=True)
    """The bed in the exclusion constraint of its use, which takes ranges only."""
    room_code: Mapped[str] = mapped_column(ForeignKey("emr_room.code"))
    department_code: Mapped[str] = mapped_column(ForeignKey("emr_department.code"), index=True)
    active: Mapped[bool]


class Duty(Base):
    """One person's turn on the duty roster (lịch trực)."""

    __tablename__ = "emr_duty"
    __table_args__ = (
        CheckConstraint("kind IN ('LEADER', 'DOCTOR', 'NURSE', 'TECHNICIAN')", name="kind"),
        CheckConstraint("ends_at > starts_at", name="order"),
        UniqueConstraint("staff_id", "kind", "department_code", "starts_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(Text)
    department_code: Mapped[str] = mapped_column(ForeignKey("emr_department.code"))
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("kernel_staff_account.id"))
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
