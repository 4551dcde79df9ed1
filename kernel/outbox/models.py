"""Tables of the outbox."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class OutboxJob(Base):
    """Work that must happen after the transaction that wrote it: one row per handler of an event, or one job."""

    __tablename__ = "kernel_job"
    __table_args__ = (
        CheckConstraint("state IN ('ready', 'leased', 'done', 'dead', 'discarded')", name="state"),
        CheckConstraint("(state = 'leased') = (lease_until IS NOT NULL)", name="lease"),
        CheckConstraint("(state IN ('ready', 'leased')) = (finished_at IS NULL)", name="finished"),
        UniqueConstraint("kind", "key"),
        Index("ix_kernel_job_due", "run_at", "id", postgresql_where=text("state = 'ready'")),
        Index("ix_kernel_job_leased", "lease_until", postgresql_where=text("state = 'leased'")),
        Index("ix_kernel_job_lane", "lane", "id", postgresql_where=text("state IN ('ready', 'leased')")),
        Index(
            "ix_kernel_job_finished",
            "state",
            "finished_at",
            postgresql_where=text("state NOT IN ('ready', 'leased')"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    payload: Mapped[Any] = mapped_column(JSONB)
    lane: Mapped[str | None] = mapped_column(Text)
    """Jobs of one lane run one after the other, in the order they were written."""
    key: Mapped[str | None] = mapped_column(Text)
    """Dedupe key: a second job of the same kind and key is not written."""
    state: Mapped[str] = mapped_column(Text, server_default="ready")
    run_at: Mapped[Instant] = mapped_column(server_default=func.clock_timestamp())
    lease_until: Mapped[Instant | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Instant] = mapped_column(server_default=func.clock_timestamp())
    finished_at: Mapped[Instant | None]


class PeriodicJob(Base):
    """Work that comes round again; one row per kind, leased by one worker at a time."""

    __tablename__ = "kernel_periodic"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    next_at: Mapped[Instant] = mapped_column(server_default=func.clock_timestamp())
    lease_until: Mapped[Instant | None]
    last_started_at: Mapped[Instant | None]
    last_finished_at: Mapped[Instant | None]
    failures: Mapped[int] = mapped_column(server_default="0")
    """Failures in a row."""
    last_error: Mapped[str | None] = mapped_column(Text)
