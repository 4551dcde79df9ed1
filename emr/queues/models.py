"""Tables of queues."""

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class QueueDay(Base):
    """The last number given in a room on a day: tickets have no gaps."""

    __tablename__ = "emr_queue_day"

    room_code: Mapped[str] = mapped_column(ForeignKey("emr_room.code"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    last_number: Mapped[int]


class Ticket(Base):
    """A number in a room's queue (số thứ tự)."""

    __tablename__ = "emr_ticket"
    __table_args__ = (
        CheckConstraint(
            "state IN ('WAITING', 'CALLED', 'SERVING', 'DONE', 'MISSED', 'CANCELLED')", name="state"
        ),
        CheckConstraint("rank BETWEEN 0 AND 2", name="rank"),
        UniqueConstraint("room_code", "day", "number"),
        Index(
            "ix_emr_ticket_next",
            "room_code",
            "day",
            text("rank DESC"),
            "number",
            postgresql_where=text("state = 'WAITING' AND ready"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("emr_visit.id"), index=True)
    room_code: Mapped[str] = mapped_column(ForeignKey("emr_room.code"))
    day: Mapped[date]
    number: Mapped[int]
    rank: Mapped[int]
    """0 normal, 1 priority, 2 emergency."""
    state: Mapped[str] = mapped_column(Text)
    ready: Mapped[bool]
    """The exam fee needs no more waiting for."""
    issued_at: Mapped[Instant]
    called_at: Mapped[Instant | None]
    called_by: Mapped[UUID | None]
    calls: Mapped[int]
