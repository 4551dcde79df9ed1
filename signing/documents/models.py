"""Tables of documents, their slots and the evidence of each signature. Signed rows are protected by triggers."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base

STATES = "('PENDING', 'ISSUED', 'REFUSED', 'RECALLED', 'SUPERSEDED')"


class Document(Base):
    """A rendered file and its signatures (văn bản điện tử). `head_sha256` names the bytes as they stand now."""

    __tablename__ = "signing_document"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("base_sha256 ~ '^[0-9a-f]{64}$' AND head_sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("pages > 0", name="pages"),
        CheckConstraint("(state IN ('ISSUED', 'SUPERSEDED')) OR completed_at IS NULL", name="completed"),
        Index("ix_signing_document_patient", "patient_id", "created_at"),
        Index("ix_signing_document_subject", "subject"),
        Index("ix_signing_document_head", "head_sha256"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    """On every printed sheet, opens the verify page; 80 random bits."""
    kind: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    """What it belongs to, in the words of the package that made it: "emr.sheet:<id>"."""
    patient_id: Mapped[UUID | None]
    patient_name: Mapped[str] = mapped_column(Text)
    patient_born: Mapped[date | None]
    """Tells whether the patient may sign alone."""
    patient_number: Mapped[str] = mapped_column(Text, server_default="")
    """Personal number (số định danh cá nhân), empty when unknown."""
    author_id: Mapped[UUID]
    base_sha256: Mapped[str] = mapped_column(Text)
    head_sha256: Mapped[str] = mapped_column(Text)
    pages: Mapped[int]
    layout: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """Where things are in the file (`signing.layout`); null until the first signature, and for foreign files."""
    state: Mapped[str] = mapped_column(Text)
    supersedes: Mapped[UUID | None] = mapped_column(ForeignKey("signing_document.id"), index=True)
    lease: Mapped[UUID | None]
    lease_until: Mapped[Instant | None]
    created_at: Mapped[Instant]
    completed_at: Mapped[Instant | None]


class Slot(Base):
    """A place for one signature (ô ký), in order: who owes it and since when."""

    __tablename__ = "signing_slot"
    __table_args__ = (
        UniqueConstraint("document_id", "position"),
        UniqueConstraint("document_id", "field"),
        CheckConstraint("owner_kind IN ('PERSON', 'ROLE', 'PATIENT', 'ORGANISATION')", name="owner_kind"),
        CheckConstraint(
            "(owner_kind = 'PERSON') = (owner_id IS NOT NULL) AND (owner_kind = 'ROLE') = (owner_role IS NOT NULL)",
            name="owner",
        ),
        CheckConstraint("state IN ('WAITING', 'SIGNED', 'REFUSED', 'CANCELLED')", name="state"),
        CheckConstraint("(state = 'SIGNED') = (signed_at IS NOT NULL)", name="signed"),
        Index(
            "ix_signing_slot_owed",
            "owner_id",
            "open_since",
            postgresql_where=text("state = 'WAITING' AND open_since IS NOT NULL"),
        ),
        Index(
            "ix_signing_slot_owed_by_role",
            "owner_role",
            "owner_department",
            "open_since",
            postgresql_where=text("state = 'WAITING' AND open_since IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("signing_document.id"))
    position: Mapped[int]
    field: Mapped[str] = mapped_column(Text)
    label: Mapped[str] = mapped_column(Text)
    owner_kind: Mapped[str] = mapped_column(Text)
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("kernel_staff_account.id"))
    owner_role: Mapped[str | None] = mapped_column(Text)
    owner_department: Mapped[str | None] = mapped_column(Text)
    """Department code; null: any department."""
    asked_id: Mapped[UUID | None] = mapped_column(ForeignKey("kernel_staff_account.id"))
    """Who was asked first, once the slot was handed over; with `asked_role` and its department for a post."""
    asked_role: Mapped[str | None] = mapped_column(Text)
    asked_department: Mapped[str | None] = mapped_column(Text)
    open_since: Mapped[Instant | None]
    """Since when it is this slot's turn."""
    state: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[Instant | None]


class Signature(Base):
    """Evidence of one signature (TT 15/2025 Đ5, emr-law §3.5). Insert-only."""

    __tablename__ = "signing_signature"
    __table_args__ = (
        UniqueConstraint("slot_id"),
        CheckConstraint(
            "signer_kind IN ('STAFF', 'ORGANISATION', 'PATIENT', 'REPRESENTATIVE', 'WITNESSES')",
            name="signer_kind",
        ),
        CheckConstraint("level IN ('B-B', 'B-T')", name="level"),
        CheckConstraint("standing IN ('GOOD', 'UNKNOWN', 'UNREACHABLE')", name="standing"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("capacity IN ('OWN', 'KT', 'TL', 'DUTY')", name="capacity"),
        CheckConstraint("capacity = 'OWN' OR on_behalf_of <> ''", name="on_behalf_of"),
        Index("ix_signing_signature_document", "document_id"),
        Index("ix_signing_signature_signer", "signer_id", "signed_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("signing_document.id"))
    slot_id: Mapped[UUID] = mapped_column(ForeignKey("signing_slot.id"))
    field: Mapped[str] = mapped_column(Text)
    slot_label: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    """Which version of the paper was signed: one more than the papers it replaces."""
    signer_kind: Mapped[str] = mapped_column(Text)
    signer_id: Mapped[UUID | None] = mapped_column(ForeignKey("kernel_staff_account.id"))
    signer_name: Mapped[str] = mapped_column(Text)
    signer_title: Mapped[str] = mapped_column(Text)
    capacity: Mapped[str] = mapped_column(Text, server_default="OWN")
    """Own, ký thay, thừa lệnh or trực lãnh đạo (NĐ 23/2025 Đ14)."""
    on_behalf_of: Mapped[str] = mapped_column(Text, server_default="")
    """The post signed for, as the block prints it: "Trưởng khoa K02 TS.BS Đặng Quốc Việt"."""
    asked_id: Mapped[UUID | None] = mapped_column(ForeignKey("kernel_staff_account.id"))
    """Who was asked before the slot was handed over, or gave the mandate."""
    basis: Mapped[str] = mapped_column(Text, server_default="")
    """What it rests on: the mandate, or the duty roster."""
    certificate_id: Mapped[UUID] = mapped_column(ForeignKey("signing_certificate.id"))
    certificate: Mapped[bytes] = mapped_column(LargeBinary)
    certificate_serial: Mapped[str] = mapped_column(Text)
    certificate_issuer: Mapped[str] = mapped_column(Text)
    chain: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    """Certificates above the signer's, the root last."""
    method: Mapped[str] = mapped_column(Text)
    scheme: Mapped[str] = mapped_column(Text)
    level: Mapped[str] = mapped_column(Text)
    previous_sha256: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    """Of the exact bytes with this signature in them."""
    standing: Mapped[str] = mapped_column(Text)
    checks: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What was checked before signing and what came out: path, status at each tier, when it was asked."""
    ocsps: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    crls: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    token: Mapped[bytes | None] = mapped_column(LargeBinary)
    stamped_at: Mapped[Instant | None]
    stamped_by: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[Instant]
    session_id: Mapped[UUID | None]
    ip: Mapped[str] = mapped_column(Text)
    device: Mapped[str] = mapped_column(Text)
    """The browser's own description of itself."""


class Refusal(Base):
    """A refusal to sign (từ chối ký) and its reason. Insert-only."""

    __tablename__ = "signing_refusal"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("signing_document.id"), index=True)
    slot_id: Mapped[UUID] = mapped_column(ForeignKey("signing_slot.id"))
    refused_by: Mapped[UUID] = mapped_column(ForeignKey("kernel_staff_account.id"))
    refused_name: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    refused_at: Mapped[Instant]


class Verdict(Base):
    """The full verdict of the judge on a file, by its hash. Integrity never changes, so it is kept."""

    __tablename__ = "signing_verdict"

    sha256: Mapped[str] = mapped_column(Text, primary_key=True)
    valid: Mapped[bool]
    report: Mapped[dict[str, Any]] = mapped_column(JSONB)
    checked_at: Mapped[Instant]
