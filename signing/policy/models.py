"""Table of the rules which signer signs what."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class PolicyRule(Base):
    """Kinds of key that may sign, the preferred first (quy định phương thức ký)."""

    __tablename__ = "signing_policy"
    __table_args__ = (
        CheckConstraint("owner_kind IN ('STAFF', 'ORGANISATION')", name="owner_kind"),
        CheckConstraint("staff_id IS NULL OR owner_kind = 'STAFF'", name="owner"),
        CheckConstraint(
            "cardinality(key_kinds) > 0 AND key_kinds <@ ARRAY['PKCS12', 'PKCS11', 'CSC', 'TOKEN']",
            name="key_kinds",
        ),
        Index(
            "uq_signing_policy_owner_kind_staff_id_document_kind",
            "owner_kind",
            "staff_id",
            "document_kind",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_kind: Mapped[str] = mapped_column(Text)
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("kernel_staff_account.id"))
    """Null: every person."""
    document_kind: Mapped[str] = mapped_column(Text)
    """Code of the document type; empty: every type."""
    key_kinds: Mapped[list[str]] = mapped_column(ARRAY(Text))
    reason: Mapped[str] = mapped_column(Text)
    set_at: Mapped[Instant]
    set_by: Mapped[UUID]
