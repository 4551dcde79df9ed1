"""Tables of certificates, unlocked keys and wrong PINs."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base


class Certificate(Base):
    """A certificate (chứng thư số) that may sign here, and where its key is. The key itself is never stored."""

    __tablename__ = "signing_certificate"
    __table_args__ = (
        CheckConstraint("owner_kind IN ('STAFF', 'ORGANISATION')", name="owner_kind"),
        CheckConstraint("(owner_kind = 'STAFF') = (staff_id IS NOT NULL)", name="owner"),
        CheckConstraint("state IN ('ACTIVE', 'RETIRED', 'REVOKED')", name="state"),
        CheckConstraint("key_kind IN ('PKCS12', 'PKCS11', 'CSC', 'TOKEN')", name="key_kind"),
        CheckConstraint(
            "standing IS NULL OR standing IN ('GOOD', 'REVOKED', 'UNKNOWN', 'UNREACHABLE')", name="standing"
        ),
        CheckConstraint("revoked_at IS NULL OR state = 'REVOKED'", name="revoked"),
        Index(
            "uq_signing_certificate_active_staff",
            "staff_id",
            "key_kind",
            unique=True,
            postgresql_where=text("state = 'ACTIVE' AND owner_kind = 'STAFF'"),
        ),
        Index(
            "uq_signing_certificate_active_organisation",
            "owner_kind",
            "key_kind",
            unique=True,
            postgresql_where=text("state = 'ACTIVE' AND owner_kind = 'ORGANISATION'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_kind: Mapped[str] = mapped_column(Text)
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("kernel_staff_account.id"))
    name: Mapped[str] = mapped_column(Text)
    uid: Mapped[str] = mapped_column(Text)
    issuer: Mapped[str] = mapped_column(Text)
    serial: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(Text, unique=True)
    certificate: Mapped[bytes] = mapped_column(LargeBinary)
    chain: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    not_before: Mapped[Instant]
    not_after: Mapped[Instant]
    key_kind: Mapped[str] = mapped_column(Text)
    key_name: Mapped[str] = mapped_column(Text)
    """Where the key is: name of the PKCS#12 file, URI of the PKCS#11 object without PIN, credential at a provider."""
    state: Mapped[str] = mapped_column(Text)
    registered_at: Mapped[Instant]
    registered_by: Mapped[UUID]
    ended_at: Mapped[Instant | None]
    standing: Mapped[str | None] = mapped_column(Text)
    """What the authority said when it was last asked."""
    checked_at: Mapped[Instant | None]
    revoked_at: Mapped[Instant | None]


class Enrolment(Base):
    """A certificate asked for here (yêu cầu cấp chứng thư): the request, and where its key waits for the certificate."""

    __tablename__ = "signing_enrolment"
    __table_args__ = (
        CheckConstraint("owner_kind IN ('STAFF', 'ORGANISATION')", name="owner_kind"),
        CheckConstraint("(owner_kind = 'STAFF') = (staff_id IS NOT NULL)", name="owner"),
        CheckConstraint("key_kind IN ('PKCS12', 'PKCS11')", name="key_kind"),
        CheckConstraint("algorithm IN ('RSA_2048', 'RSA_3072', 'EC_P256')", name="algorithm"),
        CheckConstraint("state IN ('REQUESTED', 'ISSUED', 'CANCELLED')", name="state"),
        CheckConstraint("(state = 'ISSUED') = (certificate_id IS NOT NULL)", name="issued"),
        CheckConstraint(
            "(state = 'REQUESTED') = (ended_at IS NULL) AND (ended_at IS NULL) = (ended_by IS NULL)",
            name="ended",
        ),
        CheckConstraint("state <> 'CANCELLED' OR reason <> ''", name="reason"),
        Index(
            "uq_signing_enrolment_open",
            "staff_id",
            "key_kind",
            unique=True,
            postgresql_where=text("state = 'REQUESTED'"),
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_kind: Mapped[str] = mapped_column(Text)
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("kernel_staff_account.id"))
    key_kind: Mapped[str] = mapped_column(Text)
    key_name: Mapped[str] = mapped_column(Text)
    """As of a certificate: name of the key file, URI of the object on the token."""
    algorithm: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    request: Mapped[bytes] = mapped_column(LargeBinary)
    """DER of the PKCS#10."""
    public_key: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    """DER of the SubjectPublicKeyInfo that the certificate must carry."""
    state: Mapped[str] = mapped_column(Text)
    certificate_id: Mapped[UUID | None] = mapped_column(ForeignKey("signing_certificate.id"))
    requested_at: Mapped[Instant]
    requested_by: Mapped[UUID]
    ended_at: Mapped[Instant | None]
    ended_by: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(Text)


class Notice(Base):
    """A warning about a certificate: it ends soon, ended, or was revoked. Made once, shown until it is read."""

    __tablename__ = "signing_certificate_notice"
    __table_args__ = (
        UniqueConstraint("certificate_id", "kind"),
        CheckConstraint("kind IN ('DAYS_60', 'DAYS_30', 'DAYS_7', 'ENDED', 'REVOKED')", name="kind"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    certificate_id: Mapped[UUID] = mapped_column(ForeignKey("signing_certificate.id"))
    kind: Mapped[str] = mapped_column(Text)
    made_at: Mapped[Instant]
    owner_seen_at: Mapped[Instant | None]
    admin_seen_at: Mapped[Instant | None]


class UnlockedKey(Base):
    """A software key opened for one session: encrypted under its token, of which only a hash is here."""

    __tablename__ = "signing_unlocked_key"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("kernel_staff_account.id"), index=True)
    certificate_id: Mapped[UUID] = mapped_column(ForeignKey("signing_certificate.id"))
    session_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("kernel_staff_session.id", ondelete="CASCADE"), index=True
    )
    """The sign-in it belongs to; a trigger deletes the key when that ends."""
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    opened_at: Mapped[Instant]
    used_at: Mapped[Instant] = mapped_column(index=True)


class PinTries(Base):
    """Wrong PINs in a row of one person."""

    __tablename__ = "signing_pin_tries"

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("kernel_staff_account.id"), primary_key=True)
    failed: Mapped[int]
    locked_until: Mapped[Instant | None]
