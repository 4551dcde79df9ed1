"""Papers that were rendered once, kept and sealed."""

from uuid import UUID

from sqlalchemy import CheckConstraint, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Paper(Base):
    """A receipt or a settled bill as it was rendered; its id names the document in signing."""

    __tablename__ = "billing_paper"
    __table_args__ = (
        UniqueConstraint("kind", "subject_id"),
        CheckConstraint("kind IN ('receipt', 'bill')", name="kind_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[UUID]  # The receipt, or the episode of the bill.
    sha256: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Instant]
