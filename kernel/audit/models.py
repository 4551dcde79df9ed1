"""Tables of the audit log. The application may only insert; triggers refuse the rest to everybody."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from kernel.clock import Instant
from kernel.db import Base


class TransactionId(UserDefinedType[str]):
    """PostgreSQL's xid8: the 64-bit number of a transaction."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


ischema_names["xid8"] = TransactionId  # So that a comparison of the schema knows the type.


class AuditRow(Base):
    """One view, change, signature, … Its transaction's number says when the sealer may take it."""

    __tablename__ = "kernel_audit"
    __table_args__ = (
        Index("ix_kernel_audit_xid", "xid"),
        Index("ix_kernel_audit_patient", "patient_id", "id"),
        Index("ix_kernel_audit_subject", "subject", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    xid: Mapped[str] = mapped_column(TransactionId, server_default=func.pg_current_xact_id())
    at: Mapped[Instant] = mapped_column(server_default=func.clock_timestamp())
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    """What it was done to, "emr.visit:<id>"."""
    patient_id: Mapped[UUID | None]
    actor_id: Mapped[UUID]
    actor_name: Mapped[str] = mapped_column(Text)
    actor_roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    department: Mapped[str] = mapped_column(Text)
    session_id: Mapped[UUID | None]
    ip: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)


class AuditBlock(Base):
    """A hash over every row whose transaction lies in [from_xid, to_xid), chained to the block before.

    Transaction numbers start again when a copy is restored into a new server; `epoch` counts those, and an
    epoch's rows are those with an id above `after_id`.
    """

    __tablename__ = "kernel_audit_block"
    __table_args__ = (UniqueConstraint("epoch", "from_xid"),)

    no: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    epoch: Mapped[int]
    after_id: Mapped[int] = mapped_column(BigInteger)
    from_xid: Mapped[str] = mapped_column(TransactionId)
    to_xid: Mapped[str] = mapped_column(TransactionId)
    row_count: Mapped[int] = mapped_column(BigInteger)
    last_id: Mapped[int] = mapped_column(BigInteger)
    """The highest row id in any block so far."""
    root: Mapped[bytes] = mapped_column(LargeBinary)
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[Instant] = mapped_column(server_default=func.clock_timestamp())


class AuditCheckpoint(Base):
    """The signed head of the chain at the end of a day; a copy belongs outside the server."""

    __tablename__ = "kernel_audit_checkpoint"

    day: Mapped[date] = mapped_column(primary_key=True)
    block_no: Mapped[int] = mapped_column(BigInteger)
    block_hash: Mapped[bytes] = mapped_column(LargeBinary)
    row_total: Mapped[int] = mapped_column(BigInteger)
    signer: Mapped[str] = mapped_column(Text)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    signed_at: Mapped[Instant] = mapped_column(server_default=func.clock_timestamp())
