"""Tables of booking. The seat counter of a slot is the only truth about free seats."""

from datetime import date
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Schedule(Base):
    """Hours in which a practitioner receives booked patients (lịch khám của bác sĩ), taken from the duty roster.

    An exclusion constraint keeps one practitioner out of two overlapping schedules (Luật KCB Đ36-38).
    """

    __tablename__ = "portal_schedule"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="order"),
        CheckConstraint("slot_minutes BETWEEN 5 AND 240", name="slot_minutes"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    department: Mapped[str] = mapped_column(Text)
    department_name: Mapped[str] = mapped_column(Text)
    room: Mapped[str] = mapped_column(Text)
    room_name: Mapped[str] = mapped_column(Text)
    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("kernel_staff_account.id"))
    practitioner_name: Mapped[str] = mapped_column(Text)
    service_code: Mapped[str] = mapped_column(Text)
    """The examination that is opened when the patient arrives."""
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    slot_minutes: Mapped[int] = mapped_column(Integer)
    opened_at: Mapped[Instant]
    closed_at: Mapped[Instant | None]


class Slot(Base):
    """A stretch of a schedule with a number of seats (khung giờ khám). `taken` moves only by conditional updates."""

    __tablename__ = "portal_slot"
    __table_args__ = (
        CheckConstraint("capacity > 0", name="capacity"),
        CheckConstraint("taken BETWEEN 0 AND capacity", name="taken"),
        UniqueConstraint("schedule_id", "starts_at"),
        Index("ix_portal_slot_department_starts_at", "department", "starts_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("portal_schedule.id"))
    department: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    """The Vietnamese calendar day of `starts_at`."""
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    capacity: Mapped[int] = mapped_column(Integer)
    taken: Mapped[int] = mapped_column(Integer, server_default="0")
    closed: Mapped[bool] = mapped_column(Boolean, server_default="false")


class Booking(Base):
    """A seat held for a patient (lịch hẹn khám). Cancelled or moved, never deleted."""

    __tablename__ = "portal_booking"
    __table_args__ = (
        CheckConstraint("state IN ('BOOKED', 'CANCELLED', 'ARRIVED')", name="state"),
        CheckConstraint("code ~ '^LH[2-9A-HJ-NP-Z]{10}$'", name="code"),
        CheckConstraint("(state = 'CANCELLED') = (cancelled_at IS NOT NULL)", name="cancelled"),
        CheckConstraint("(state = 'ARRIVED') = (visit_id IS NOT NULL)", name="arrived"),
        Index(
            "uq_portal_booking_patient_day_department",
            "patient_id",
            "day",
            "department",
            unique=True,
            postgresql_where=text("state <> 'CANCELLED'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Made by the client and kept across retries."""
    code: Mapped[str] = mapped_column(Text, unique=True)
    """Mã vào khám: what the QR on the phone says to the kiosk."""
    slot_id: Mapped[UUID] = mapped_column(ForeignKey("portal_slot.id"), index=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("emr_patient.id"), index=True)
    account_id: Mapped[UUID]
    department: Mapped[str] = mapped_column(Text)
    day: Mapped[date] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    booked_at: Mapped[Instant]
    cancelled_at: Mapped[Instant | None]
    moved_from: Mapped[UUID | None] = mapped_column(ForeignKey("portal_booking.id"))
    """The booking this one replaced when the patient changed the hour."""
    visit_id: Mapped[UUID | None]
