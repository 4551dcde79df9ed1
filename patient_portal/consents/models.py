"""The table of consents: each row is evidence, none is ever changed."""

from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Consent(Base):
    """A person agreed to a purpose, or took the agreement back (đồng ý xử lý dữ liệu nhạy cảm, NĐ 356/2025 Đ6).

    Insert-only: the last row of a purpose is what holds now.
    """

    __tablename__ = "portal_consent"
    __table_args__ = (
        CheckConstraint("text_sha256 ~ '^[0-9a-f]{64}$'", name="text_sha256"),
        Index("ix_portal_consent_patient_id_purpose_at", "patient_id", "purpose", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("emr_patient.id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("portal_account.id"))
    purpose: Mapped[str] = mapped_column(Text)
    given: Mapped[bool] = mapped_column(Boolean)
    text_sha256: Mapped[str] = mapped_column(Text)
    """Which wording the person saw."""
    channel: Mapped[str] = mapped_column(Text)
    ip: Mapped[str | None] = mapped_column(INET)
    at: Mapped[Instant]
