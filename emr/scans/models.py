"""Table of converted paper. Insert-only."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Scan(Base):
    """Văn bản giấy converted to an electronic document, and what became of the paper (NĐ 137/2024 Đ4)."""

    __tablename__ = "emr_scan"
    __table_args__ = (
        CheckConstraint("paper_fate IN ('KEPT', 'RETURNED', 'DESTROYED')", name="paper_fate"),
        CheckConstraint("pages > 0", name="pages"),
        CheckConstraint("source_sha256 ~ '^[0-9a-f]{64}$'", name="source_sha256"),
        Index("ix_emr_scan_patient", "patient_id", "converted_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("emr_patient.id"))
    title: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str] = mapped_column(Text)
    source_sha256: Mapped[str] = mapped_column(Text)
    """Of the scan as it was uploaded; it travels inside the converted document, byte for byte."""
    pages: Mapped[int]
    paper_fate: Mapped[str] = mapped_column(Text)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("signing_document.id"), unique=True)
    converted_at: Mapped[Instant]
    converted_by: Mapped[UUID] = mapped_column(ForeignKey("kernel_staff_account.id"))
    converted_name: Mapped[str] = mapped_column(Text)
