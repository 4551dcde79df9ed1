"""Table of rehearsals."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Rehearsal(Base):
    """One signer's trial (tổng duyệt): what was checked and what was missing. Insert-only."""

    __tablename__ = "signing_rehearsal"
    __table_args__ = (Index("ix_signing_rehearsal_staff", "staff_id", "made_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("kernel_staff_account.id"))
    """Null: the organisation."""
    certificate_id: Mapped[UUID | None] = mapped_column(ForeignKey("signing_certificate.id"))
    ready: Mapped[bool]
    checks: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    made_at: Mapped[Instant]
    made_by: Mapped[UUID]
