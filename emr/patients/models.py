"""Tables of patients and their numbers."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base

Key = Text(collation="C")


class Patient(Base):
    """A person's chart (người bệnh). The keys are folded by the application and sort by bytes."""

    __tablename__ = "emr_patient"
    __table_args__ = (
        CheckConstraint("sex IN ('MALE', 'FEMALE', 'UNKNOWN')", name="sex"),
        CheckConstraint("birth_precision IN ('DAY', 'MONTH', 'YEAR', 'ESTIMATED')", name="birth_precision"),
        CheckConstraint("code !~ '^[0-9]{12}$'", name="code"),
        CheckConstraint("revision > 0", name="revision"),
        Index("ix_emr_patient_name_key_id", "name_key", "id"),
        Index("ix_emr_patient_given_key_id", "given_key", "id"),
        Index("ix_emr_patient_name_pairs", text("array_to_tsvector(name_pairs)"), postgresql_using="gin"),
        Index("ix_emr_patient_phone_tail", text("reverse(phone)")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(Key, unique=True)
    """Mã người bệnh, never 12 digits (R-23)."""
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(Key)
    given_key: Mapped[str] = mapped_column(Key)
    """The folded name, given name first."""
    name_pairs: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Every two words of the name in both orders, for search by words in any order."""
    birth_date: Mapped[date] = mapped_column(index=True)
    birth_precision: Mapped[str] = mapped_column(Text)
    sex: Mapped[str] = mapped_column(Text)
    citizen_id: Mapped[str | None] = mapped_column(Key)
    """The active personal number; emr_patient_identifier has the history and the uniqueness."""
    insurance_no: Mapped[str | None] = mapped_column(Key)
    passport_no: Mapped[str | None] = mapped_column(Key)
    phone: Mapped[str | None] = mapped_column(Key)
    address: Mapped[str] = mapped_column(Text)
    ward_code: Mapped[str | None] = mapped_column(Text)
    province_code: Mapped[str | None] = mapped_column(Text)
    ethnic_code: Mapped[str | None] = mapped_column(Text)
    nationality: Mapped[str] = mapped_column(Text)
    occupation: Mapped[str] = mapped_column(Text)
    allergies: Mapped[str] = mapped_column(Text)
    revision: Mapped[int]
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    registered_at: Mapped[Instant]
    registered_by: Mapped[UUID]


class PatientIdentifier(Base):
    """One number of a person: now (active) or in the past. Unique while active, never a hard rule on the chart."""

    __tablename__ = "emr_patient_identifier"
    __table_args__ = (
        CheckConstraint("kind IN ('CITIZEN', 'OLD_ID', 'INSURANCE', 'PASSPORT')", name="kind"),
        CheckConstraint("active = (ended_at IS NULL)", name="active"),
        Index("ix_emr_patient_identifier_value", "value"),
        Index(
            "uq_emr_patient_identifier_kind_value",
            "kind",
            "value",
            unique=True,
            postgresql_where=text("active AND kind <> 'OLD_ID'"),
        ),
    )

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("emr_patient.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[str] = mapped_column(Key, primary_key=True)
    recorded_at: Mapped[Instant] = mapped_column(primary_key=True)
    active: Mapped[bool]
    recorded_by: Mapped[UUID]
    ended_at: Mapped[Instant | None]
    ended_reason: Mapped[str] = mapped_column(Text)


class PatientVersion(Base):
    """An earlier state of a chart's particulars, kept when they are corrected."""

    __tablename__ = "emr_patient_version"

    patient_id: Mapped[UUID] = mapped_column(ForeignKey("emr_patient.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    particulars: Mapped[dict[str, Any]] = mapped_column(JSONB)
    replaced_at: Mapped[Instant]
    replaced_by: Mapped[UUID]
    reason: Mapped[str] = mapped_column(Text)
