"""Tables of sittings and their documents. No PIN, OTP, SAD or access token ever enters them."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base

ENDED = "('SIGNED', 'CANCELLED', 'TIMED_OUT', 'FAILED')"


class RemoteSitting(Base):
    """One approval of a person over some documents (phiên ký từ xa). Its id is the lease of its documents."""

    __tablename__ = "signing_remote"
    __table_args__ = (
        CheckConstraint(f"state IN ('PREPARED', 'WAITING') OR state IN {ENDED}", name="state"),
        CheckConstraint(f"(state IN {ENDED}) = (ended_at IS NOT NULL)", name="ended"),
        CheckConstraint("method IN ('PKI_REMOTE_CSC', 'PKI_TOKEN_AGENT')", name="method"),
        UniqueConstraint("method", "reference"),
        Index("ix_signing_remote_staff", "staff_id", "created_at"),
        Index(
            "ix_signing_remote_live", "expires_at", postgresql_where=text("state IN ('PREPARED', 'WAITING')")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("kernel_staff_account.id"))
    certificate_id: Mapped[UUID] = mapped_column(ForeignKey("signing_certificate.id"))
    fingerprint: Mapped[str] = mapped_column(Text)
    """SHA-256 of the certificate that was pinned when the documents were prepared."""
    method: Mapped[str] = mapped_column(Text)
    scheme: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(Text)
    """The provider's name for the request that is being approved."""
    reason: Mapped[str] = mapped_column(Text)
    session_id: Mapped[UUID | None]
    ip: Mapped[str] = mapped_column(Text)
    device: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    claimed_until: Mapped[Instant | None]
    ended_at: Mapped[Instant | None]


class RemoteItem(Base):
    """One document of a sitting: what was prepared for it and, once it came, the signature value."""

    __tablename__ = "signing_remote_item"
    __table_args__ = (
        CheckConstraint("state IN ('WAITING', 'SIGNED', 'SKIPPED', 'FAILED')", name="state"),
        CheckConstraint("(state = 'WAITING') = (prepared IS NOT NULL)", name="prepared"),
        Index(
            "uq_signing_remote_item_live",
            "document_id",
            unique=True,
            postgresql_where=text("state = 'WAITING'"),
        ),
    )

    sitting_id: Mapped[UUID] = mapped_column(ForeignKey("signing_remote.id"), primary_key=True)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("signing_document.id"), primary_key=True)
    position: Mapped[int]
    title: Mapped[str] = mapped_column(Text)
    head_sha256: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    prepared: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The revision with its hole (`signing.tasks.engine.pack`); gone when the item has ended."""
    value: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The signature value as it came, kept so that a stop before the end loses nothing."""
