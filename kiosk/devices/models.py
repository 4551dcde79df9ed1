"""Tables of lobby devices."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Device(Base):
    """A machine of the lobby (ki-ốt) and the one thing its token may do."""

    __tablename__ = "kiosk_device"
    __table_args__ = (CheckConstraint("scope IN ('CHECK_IN')", name="scope"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    """Where it stands: "Sảnh A, máy 1"."""
    scope: Mapped[str] = mapped_column(Text)
    pairing_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    """Hash of the code typed once at the machine; gone when it is paired."""
    pairing_expires_at: Mapped[Instant | None]
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    added_by: Mapped[UUID] = mapped_column(ForeignKey("kernel_staff_account.id"))
    added_at: Mapped[Instant]
    paired_at: Mapped[Instant | None]
    last_seen_at: Mapped[Instant | None]
    revoked_at: Mapped[Instant | None]
