"""Tables of patient accounts. Codes and tokens are stored as hashes only."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Account(Base):
    """A patient who has signed in at least once (tài khoản người bệnh)."""

    __tablename__ = "portal_account"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("emr_patient.id"), unique=True)
    created_at: Mapped[Instant]


class CodeRequest(Base):
    """Somebody asked for a one-time code (mã một lần), whether or not the phone is known."""

    __tablename__ = "portal_code_request"
    __table_args__ = (
        CheckConstraint("tries >= 0 AND birth_tries >= 0", name="tries"),
        Index("ix_portal_code_request_phone_asked_at", "phone", "asked_at"),
        Index("ix_portal_code_request_ip_asked_at", "ip", "asked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    phone: Mapped[str] = mapped_column(Text)
    """E.164."""
    ip: Mapped[str | None] = mapped_column(INET)
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Made when the message is sent; never set for a phone nobody has."""
    asked_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    sent_at: Mapped[Instant | None]
    tries: Mapped[int] = mapped_column(Integer, server_default="0")
    birth_tries: Mapped[int] = mapped_column(Integer, server_default="0")
    step_hash: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)
    """Hash of the token that proves the code was typed right, until the birth date follows."""
    used_at: Mapped[Instant | None]


class Device(Base):
    """A browser the person asked us to remember: it stands in for the code, never for the birth date."""

    __tablename__ = "portal_device"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    phone: Mapped[str] = mapped_column(Text, index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    label: Mapped[str] = mapped_column(Text)
    remembered_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    last_used_at: Mapped[Instant]
    birth_tries: Mapped[int] = mapped_column(Integer, server_default="0")
    revoked_at: Mapped[Instant | None]


class PatientLogin(Base):
    """A sign-in of a patient on one browser (phiên đăng nhập)."""

    __tablename__ = "portal_session"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("portal_account.id"), index=True)
    device_id: Mapped[UUID | None] = mapped_column(ForeignKey("portal_device.id"))
    phone: Mapped[str] = mapped_column(Text)
    ip: Mapped[str | None] = mapped_column(INET)
    started_at: Mapped[Instant]
    last_seen_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
