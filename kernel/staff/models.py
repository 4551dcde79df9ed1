"""Tables of staff accounts and their sessions."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, Text
from sqlalchemy.dialects.postgresql import ARRAY, INET
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class StaffAccount(Base):
    """A personal account of a member of staff (tài khoản nhân viên)."""

    __tablename__ = "kernel_staff_account"
    __table_args__ = (
        CheckConstraint("username = lower(username) AND username ~ '^[a-z0-9._-]{2,40}$'", name="username"),
        CheckConstraint("citizen_id IS NULL OR citizen_id ~ '^[0-9]{12}$'", name="citizen_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    """Professional title printed beside the name, such as "BS" or "ĐD"."""
    department: Mapped[str] = mapped_column(Text)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    citizen_id: Mapped[str | None] = mapped_column(Text)
    """12-digit personal number; compared with the signing certificate's owner."""
    practice_license: Mapped[str | None] = mapped_column(Text)
    """Số giấy phép hành nghề."""
    password_hash: Mapped[str] = mapped_column(Text)
    failed_tries: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[Instant | None]
    disabled_at: Mapped[Instant | None]
    created_at: Mapped[Instant]


class StaffSession(Base):
    """A sign-in on one browser. Only the hash of its token is stored."""

    __tablename__ = "kernel_staff_session"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("kernel_staff_account.id"), index=True)
    ip: Mapped[str | None] = mapped_column(INET)
    created_at: Mapped[Instant]
    last_seen_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
