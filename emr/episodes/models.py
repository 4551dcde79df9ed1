"""Tables of episodes and visits."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Episode(Base):
    """Đợt khám chữa bệnh: all exam rooms, the emergency room and the stay that follows; one account, one MA_LK."""

    __tablename__ = "emr_episode"
    __table_args__ = (
        CheckConstraint("state IN ('OPEN', 'CLOSED')", name="state"),
        CheckConstraint("(state = 'CLOSED') = (closed_at IS NOT NULL)", name="closed"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("emr_patient.id"), index=True)
    state: Mapped[str] = mapped_column(Text)
    stay_open: Mapped[bool]
    """A stay goes on: orders are inpatient."""
    opened_at: Mapped[Instant]
    closed_at: Mapped[Instant | None]


class Credit(Base):
    """Cho nợ: the leader on duty let an episode go on before payment."""

    __tablename__ = "emr_credit"

    episode_id: Mapped[UUID] = mapped_column(ForeignKey("emr_episode.id"), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    granted_at: Mapped[Instant]
    granted_by: Mapped[UUID]
    granted_name: Mapped[str] = mapped_column(Text)


class Visit(Base):
    """One exam of a person in a room (lượt khám)."""

    __tablename__ = "emr_visit"
    __table_args__ = (
        CheckConstraint("state IN ('WAITING', 'IN_PROGRESS', 'ENDED', 'CANCELLED')", name="state"),
        CheckConstraint("payer IN ('BHYT', 'SELF_PAY', 'ON_DEMAND', 'FOREIGNER')", name="payer"),
        CheckConstraint("setting IN ('OUTPATIENT', 'INPATIENT', 'EMERGENCY')", name="setting"),
        CheckConstraint(
            "identified_by IN ('QR_CCCD', 'CHIP_CCCD', 'VNEID_APP', 'AUTH_SERVICE', 'BHXH_LOOKUP', 'MANUAL', "
            "'UNKNOWN')",
            name="identified_by",
        ),
        CheckConstraint("(state = 'ENDED') = (ended_at IS NOT NULL AND outcome IS NOT NULL)", name="ended"),
        CheckConstraint("payer <> 'BHYT' OR insurance IS NOT NULL", name="insurance"),
        Index("ix_emr_visit_patient_id_opened_at", "patient_id", "opened_at"),
        Index("ix_emr_visit_room_code_opened_at", "room_code", "opened_at"),
        Index("ix_emr_visit_insured", "opened_at", postgresql_where=text("payer = 'BHYT'")),
        Index("ix_emr_visit_open", "room_code", postgresql_where=text("state IN ('WAITING', 'IN_PROGRESS')")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(Text, unique=True)
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("emr_episode.id"), index=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("emr_patient.id"))
    payer: Mapped[str] = mapped_column(Text)
    setting: Mapped[str] = mapped_column(Text)
    room_code: Mapped[str] = mapped_column(ForeignKey("emr_room.code"))
    department_code: Mapped[str] = mapped_column(ForeignKey("emr_department.code"))
    service_code: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    insurance: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    guardian: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    identified_by: Mapped[str] = mapped_column(Text)
    identified_reply: Mapped[str] = mapped_column(Text)
    identified_staff: Mapped[UUID]
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    opened_at: Mapped[Instant]
    opened_by: Mapped[UUID]
    started_at: Mapped[Instant | None]
    doctor_id: Mapped[UUID | None]
    doctor_name: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[Instant | None]
    outcome: Mapped[str | None] = mapped_column(Text)
    cancel_reason: Mapped[str] = mapped_column(Text)
