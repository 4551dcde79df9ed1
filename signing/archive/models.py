"""Table of lifted files. Insert-only: a renewal is a new row."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Archived(Base):
    """A signed file with its long-term material (bản lưu trữ dài hạn); the latest one is the one to hand out."""

    __tablename__ = "signing_archived"
    __table_args__ = (
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("level IN ('B-LT', 'B-LTA')", name="level"),
        Index("ix_signing_archived_document", "document_id", "made_at"),
    )

    sha256: Mapped[str] = mapped_column(Text, primary_key=True)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("signing_document.id"))
    source_sha256: Mapped[str] = mapped_column(Text)
    level: Mapped[str] = mapped_column(Text)
    made_at: Mapped[Instant]
    holds_until: Mapped[Instant]
    """End of the timestamp authority's certificate: the file is stamped again before."""
