"""Tables of orders and results."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Order(Base):
    """One ordered service (chỉ định)."""

    __tablename__ = "emr_order"
    __table_args__ = (
        CheckConstraint("state IN ('HELD', 'RELEASED', 'DOING', 'REPORTED', 'DONE', 'VOIDED')", name="state"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("(state = 'HELD') <= (released_at IS NULL)", name="held"),
        CheckConstraint("state IN ('HELD', 'VOIDED') OR released_at IS NOT NULL", name="released"),
        CheckConstraint("(state = 'VOIDED') = (voided_at IS NOT NULL)", name="voided"),
        CheckConstraint("released_by IN ('RULE', 'PAYMENT', 'CREDIT')", name="released_by"),
        Index("ix_emr_order_patient_id_placed_at", "patient_id", "placed_at"),
        Index(
            "ix_emr_order_work",
            "room_code",
            "placed_at",
            postgresql_where=text("state IN ('RELEASED', 'DOING')"),
        ),
        Index("ix_emr_order_unapproved", "placed_at", postgresql_where=text("state = 'REPORTED'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(Text, unique=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("emr_visit.id"), index=True)
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("emr_episode.id"), index=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("emr_patient.id"))
    service_code: Mapped[str] = mapped_column(Text)
    service_name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int]
    payer: Mapped[str] = mapped_column(Text)
    setting: Mapped[str] = mapped_column(Text)
    priority: Mapped[str] = mapped_column(Text)
    in_scope: Mapped[bool]
    on_demand: Mapped[bool]
    room_code: Mapped[str | None] = mapped_column(ForeignKey("emr_room.code"))
    note: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    released_by: Mapped[str | None] = mapped_column(Text)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    ordered_by: Mapped[UUID]
    ordered_name: Mapped[str] = mapped_column(Text)
    placed_at: Mapped[Instant]
    released_at: Mapped[Instant | None]
    performed_at: Mapped[Instant | None]
    performed_by: Mapped[UUID | None]
    reported_at: Mapped[Instant | None]
    reported_by: Mapped[UUID | None]
    approved_at: Mapped[Instant | None]
    approved_by: Mapped[UUID | None]
    approved_name: Mapped[str | None] = mapped_column(Text)
    voided_at: Mapped[Instant | None]
    voided_by: Mapped[UUID | None]
    void_reason: Mapped[str] = mapped_column(Text)


class Result(Base):
    """One version of an order's result. Never changed: a correction is the next version, with its reason."""

    __tablename__ = "emr_result"
    __table_args__ = (CheckConstraint("version = 1 OR reason <> ''", name="reason"),)

    order_id: Mapped[UUID] = mapped_column(ForeignKey("emr_order.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(unique=True)
    text: Mapped[str] = mapped_column(Text)
    value: Mapped[str | None] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    abnormal: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    measured_at: Mapped[Instant | None]
    reported_at: Mapped[Instant]
    reported_by: Mapped[UUID]
    reported_name: Mapped[str] = mapped_column(Text)
