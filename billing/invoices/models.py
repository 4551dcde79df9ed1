"""Tables of invoices: series, invoices, what each covers, and what happened to it."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class InvoiceSeries(Base):
    """Numbers of one kind and symbol (mẫu số, ký hiệu), from 1, without gaps; a new symbol each year."""

    __tablename__ = "billing_invoice_series"
    __table_args__ = (
        CheckConstraint("next_number BETWEEN 1 AND 100000000", name="next_number_in_8_digits"),
        CheckConstraint("symbol ~ '^[CK][0-9]{2}[TDLMNBGHXF][A-Z]{2}$'", name="symbol_formed"),
        CheckConstraint("kind IN (1, 2)", name="kind_known"),
    )

    kind: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    symbol: Mapped[str] = mapped_column(Text, primary_key=True)
    next_number: Mapped[int] = mapped_column(Integer, server_default="1")


class Invoice(Base):
    """An e-invoice (hoá đơn điện tử). Numbered once, never deleted, never cancelled."""

    __tablename__ = "billing_invoice"
    __table_args__ = (
        UniqueConstraint("kind", "symbol", "number", name="uq_billing_invoice_number"),
        CheckConstraint("kind IN (1, 2)", name="kind_known"),
        CheckConstraint("state IN ('created', 'signed', 'sent', 'coded', 'delivered')", name="state_known"),
        CheckConstraint("scope IN ('individual', 'aggregate', 'correction')", name="scope_known"),
        CheckConstraint("(number IS NULL) = (issued_on IS NULL)", name="number_with_day"),
        CheckConstraint("number BETWEEN 1 AND 99999999", name="number_in_8_digits"),
        CheckConstraint(
            "state = 'created' OR (number IS NOT NULL AND signed_sha256 IS NOT NULL)",
            name="signed_has_number",
        ),
        CheckConstraint(
            "state NOT IN ('coded', 'delivered') OR (archived_sha256 IS NOT NULL AND verified_at IS NOT NULL)",
            name="coded_is_verified",
        ),
        CheckConstraint(
            "state NOT IN ('coded', 'delivered') OR symbol NOT LIKE 'C%' OR tax_code <> ''",
            name="coded_has_code",
        ),
        CheckConstraint("(relates_to IS NULL) = (relation IS NULL)", name="relation_named"),
        CheckConstraint("relation IN ('adjusts', 'replaces')", name="relation_known"),
        CheckConstraint("relation IS NOT NULL OR total > 0", name="original_above_zero"),
        Index("ix_billing_invoice_waiting", "state", postgresql_where=text("state <> 'delivered'")),
        Index("ix_billing_invoice_created_at", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)  # The uuid the provider knows it by, fixed at birth.
    scope: Mapped[str] = mapped_column(Text)
    day: Mapped[date]  # The day whose money it speaks of.
    kind: Mapped[int] = mapped_column(SmallInteger)
    symbol: Mapped[str] = mapped_column(Text)
    number: Mapped[int | None] = mapped_column(Integer)
    issued_on: Mapped[date | None]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)  # billing.invoices.content.Content
    total: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(Text)
    relates_to: Mapped[UUID | None] = mapped_column(ForeignKey("billing_invoice.id"))
    relation: Mapped[str | None] = mapped_column(Text)
    provider: Mapped[str] = mapped_column(Text)
    format_version: Mapped[str] = mapped_column(Text)
    legal_basis: Mapped[str] = mapped_column(Text)
    tax_code: Mapped[str] = mapped_column(Text, server_default="")  # MCCQT
    signed_sha256: Mapped[str | None] = mapped_column(Text)
    archived_sha256: Mapped[str | None] = mapped_column(Text)
    view_sha256: Mapped[str | None] = mapped_column(Text)
    problem: Mapped[str] = mapped_column(Text, server_default="")  # Why it stands still, for the accountant.
    tries: Mapped[int] = mapped_column(Integer, server_default="0")
    tried_at: Mapped[Instant | None]  # Set before a send: from then on the provider is asked first.
    leased_until: Mapped[Instant | None]
    created_at: Mapped[Instant]
    signed_at: Mapped[Instant | None]
    sent_at: Mapped[Instant | None]
    coded_at: Mapped[Instant | None]
    verified_at: Mapped[Instant | None]
    delivered_at: Mapped[Instant | None]


class InvoiceReceipt(Base):
    """A receipt an invoice covers. A receipt is in one live invoice at most."""

    __tablename__ = "billing_invoice_receipt"
    __table_args__ = (
        Index("uq_billing_invoice_receipt_live", "receipt_id", unique=True, postgresql_where=text("live")),
    )

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("billing_invoice.id"), primary_key=True)
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey("billing_receipt.id"), primary_key=True)
    live: Mapped[bool] = mapped_column(server_default="true")


class InvoiceEpisode(Base):
    """What an invoice covers of an episode's account, đồng; also money that came from deposits."""

    __tablename__ = "billing_invoice_episode"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount_not_zero"),
        Index("ix_billing_invoice_episode_episode_id", "episode_id"),
    )

    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("billing_invoice.id"), primary_key=True)
    episode_id: Mapped[UUID] = mapped_column(primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    live: Mapped[bool] = mapped_column(server_default="true")


class InvoiceWish(Base):
    """A person asked for an invoice of their own, and in whose name."""

    __tablename__ = "billing_invoice_wish"

    episode_id: Mapped[UUID] = mapped_column(primary_key=True)
    buyer: Mapped[dict[str, Any]] = mapped_column(JSONB)
    asked_at: Mapped[Instant]
    asked_by: Mapped[UUID]


class InvoiceDue(Base):
    """A settled episode whose invoice waits for the end of the day."""

    __tablename__ = "billing_invoice_due"
    __table_args__ = (Index("ix_billing_invoice_due_day", "day"),)

    episode_id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID]
    day: Mapped[date]
    settled_at: Mapped[Instant]


class InvoiceEvent(Base):
    """What happened to an invoice, for good."""

    __tablename__ = "billing_invoice_event"
    __table_args__ = (Index("ix_billing_invoice_event_invoice_id", "invoice_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    invoice_id: Mapped[UUID] = mapped_column(ForeignKey("billing_invoice.id"))
    at: Mapped[Instant]
    event: Mapped[str] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor: Mapped[str] = mapped_column(Text)
