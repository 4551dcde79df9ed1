"""Tables of the work of signing: mandates, handing over, release of the seal, reminders."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base

_STAFF = "kernel_staff_account.id"


class Delegation(Base):
    """A post's mandate to sign for it (ký thay, thừa lệnh): given for a time, ended early by a note, never edited."""

    __tablename__ = "signing_delegation"
    __table_args__ = (
        CheckConstraint("capacity IN ('KT', 'TL')", name="capacity"),
        CheckConstraint("role IN ('head', 'director')", name="role"),
        CheckConstraint("ends_at > starts_at", name="order"),
        CheckConstraint("giver_id <> taker_id", name="another"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
        Index("ix_signing_delegation_taker", "taker_id", "ends_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    capacity: Mapped[str] = mapped_column(Text)
    giver_id: Mapped[UUID] = mapped_column(ForeignKey(_STAFF))
    giver_name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    department: Mapped[str | None] = mapped_column(Text)
    taker_id: Mapped[UUID] = mapped_column(ForeignKey(_STAFF))
    basis: Mapped[str] = mapped_column(Text)
    """The paper it rests on: "QĐ 15/QĐ-BV ngày 02/01/2026"."""
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    given_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
    ended_by: Mapped[UUID | None]


class Handover(Base):
    """A slot given to another person (chuyển ký): from whom, by whom, why. Insert-only."""

    __tablename__ = "signing_handover"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slot_id: Mapped[UUID] = mapped_column(ForeignKey("signing_slot.id"), index=True)
    from_id: Mapped[UUID | None] = mapped_column(ForeignKey(_STAFF))
    from_role: Mapped[str | None] = mapped_column(Text)
    from_department: Mapped[str | None] = mapped_column(Text)
    to_id: Mapped[UUID] = mapped_column(ForeignKey(_STAFF))
    by_id: Mapped[UUID] = mapped_column(ForeignKey(_STAFF))
    reason: Mapped[str] = mapped_column(Text)
    handed_at: Mapped[Instant]


class Release(Base):
    """The leader on duty lets the organisation's seal be put on a document at night. Insert-only."""

    __tablename__ = "signing_release"
    __table_args__ = (UniqueConstraint("slot_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slot_id: Mapped[UUID] = mapped_column(ForeignKey("signing_slot.id"))
    released_by: Mapped[UUID] = mapped_column(ForeignKey(_STAFF))
    released_name: Mapped[str] = mapped_column(Text)
    released_at: Mapped[Instant]


class Reminder(Base):
    """One reminder of a signature owed, once per step of age (nhắc ký). Insert-only."""

    __tablename__ = "signing_reminder"
    __table_args__ = (
        UniqueConstraint("slot_id", "step"),
        CheckConstraint("step > 0", name="step"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slot_id: Mapped[UUID] = mapped_column(ForeignKey("signing_slot.id"))
    step: Mapped[int]
    to_id: Mapped[UUID | None] = mapped_column(ForeignKey(_STAFF), index=True)
    to_role: Mapped[str | None] = mapped_column(Text)
    department: Mapped[str | None] = mapped_column(Text)
    """Of the debtor; null: any department."""
    escalated: Mapped[bool]
    """The head of the debtor's department was told too."""
    sent_at: Mapped[Instant]
