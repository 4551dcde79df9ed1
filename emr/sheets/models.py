"""Tables of sheets. What is not a draft any more is locked by triggers, every child with it (migration 0007)."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Sheet(Base):
    """One version of one stage of a form about a visit (phiếu, tờ bệnh án, giấy)."""

    __tablename__ = "emr_sheet"
    __table_args__ = (
        CheckConstraint("state IN ('DRAFT', 'COMPLETED', 'SIGNED', 'SUPERSEDED', 'CANCELLED')", name="state"),
        CheckConstraint("revision > 0 AND version > 0", name="counts"),
        CheckConstraint("(version > 1) = (supersedes IS NOT NULL)", name="version"),
        CheckConstraint("version = 1 OR reason <> ''", name="reason"),
        CheckConstraint(
            "(state IN ('COMPLETED', 'SIGNED', 'SUPERSEDED')) = (document_id IS NOT NULL AND sha256 IS NOT NULL "
            "AND completed_at IS NOT NULL AND completed_by IS NOT NULL)",
            name="completed",
        ),
        CheckConstraint("state <> 'SIGNED' OR signed_at IS NOT NULL", name="signed"),
        CheckConstraint("(state = 'CANCELLED') = (cancelled_at IS NOT NULL)", name="cancelled"),
        Index(
            "uq_emr_sheet_supersedes",
            "supersedes",
            unique=True,
            postgresql_where=text("state <> 'CANCELLED'"),
        ),
        Index(
            "uq_emr_sheet_document_id",
            "document_id",
            unique=True,
            postgresql_where=text("document_id IS NOT NULL"),
        ),
        Index("ix_emr_sheet_patient_id_opened_at", "patient_id", "opened_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("emr_visit.id"), index=True)
    episode_id: Mapped[UUID] = mapped_column(ForeignKey("emr_episode.id"))
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("emr_patient.id"))
    form_code: Mapped[str] = mapped_column(Text)
    form_valid_from: Mapped[date]
    stage: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    supersedes: Mapped[UUID | None] = mapped_column(ForeignKey("emr_sheet.id"))
    reason: Mapped[str] = mapped_column(Text)
    """Why this version replaces the one before."""
    state: Mapped[str] = mapped_column(Text)
    revision: Mapped[int]
    """Counts saves; a save names the revision it started from."""
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    code: Mapped[str] = mapped_column(Text, unique=True)
    """Verify code, made with the draft and printed on the paper."""
    event_at: Mapped[Instant | None]
    """Clinical time, when it differs from the time of recording."""
    opened_at: Mapped[Instant]
    opened_by: Mapped[UUID]
    opened_name: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[Instant]
    saved_by: Mapped[UUID]
    completed_at: Mapped[Instant | None]
    completed_by: Mapped[UUID | None]
    completed_name: Mapped[str] = mapped_column(Text)
    document_id: Mapped[UUID | None]
    sha256: Mapped[str | None] = mapped_column(Text)
    """Of the rendered, unsigned file."""
    pages: Mapped[int]
    author_signed_at: Mapped[Instant | None]
    signed_at: Mapped[Instant | None]
    signed_sha256: Mapped[str | None] = mapped_column(Text)
    refused_reason: Mapped[str] = mapped_column(Text, default="")
    """Why a signer refused; the author answers with the next version."""
    cancelled_at: Mapped[Instant | None]
    cancelled_by: Mapped[UUID | None]


class SheetDiagnosis(Base):
    """A diagnosis a sheet states, for search, claims and proposals. Child of the sheet, locked with it."""

    __tablename__ = "emr_sheet_diagnosis"
    __table_args__ = (CheckConstraint("role IN ('MAIN', 'OTHER', 'FIRST')", name="role"),)

    sheet_id: Mapped[UUID] = mapped_column(ForeignKey("emr_sheet.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("emr_visit.id"), index=True)
    role: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    """ICD-10; empty for a diagnosis in words."""
    name: Mapped[str] = mapped_column(Text)


class SheetOrder(Base):
    """An order printed on a phiếu chỉ định. Its content is locked with the sheet; its state goes on."""

    __tablename__ = "emr_sheet_order"
    sheet_id: Mapped[UUID] = mapped_column(ForeignKey("emr_sheet.id"), primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("emr_order.id"), primary_key=True, index=True)
