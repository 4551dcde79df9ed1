"""Tables of sittings: who signs, what was listed and shown, codes by hash only, witnesses, checks of identity."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from kernel.clock import Instant
from kernel.db import Base

METHODS = "('DRAWN', 'FINGERPRINT', 'OTP', 'NATIONAL_ID', 'WITNESSED', 'PAPER')"


class Sitting(Base):
    """One sitting of a patient or representative (lần ký): a list of documents, a device, one way to sign.

    Of codes and device only hashes are kept. Drawn lines, prints and one-time codes are never columns here.
    """

    __tablename__ = "signing_sitting"
    __table_args__ = (
        CheckConstraint("kind IN ('TABLET', 'ABSENCE', 'PAPER')", name="kind"),
        CheckConstraint(
            "state IN ('OPEN', 'SHOWN', 'SIGNED', 'SEALED', 'REFUSED', 'EXPIRED', 'CANCELLED')", name="state"
        ),
        CheckConstraint("signer_kind IN ('PATIENT', 'REPRESENTATIVE')", name="signer_kind"),
        CheckConstraint(
            "(signer_kind = 'REPRESENTATIVE') = (relation <> '') AND (relation <> '') = (standing IS NOT NULL)",
            name="relation",
        ),
        CheckConstraint(
            "standing IN ('MINOR', 'INCAPACITATED', 'UNCONSCIOUS', 'AUTHORISED')", name="standing"
        ),
        CheckConstraint(f"method IN {METHODS}", name="method"),
        CheckConstraint("(state IN ('SIGNED', 'SEALED')) <= (method IS NOT NULL)", name="signed"),
        CheckConstraint("(kind = 'ABSENCE') = (absence IS NOT NULL)", name="absent"),
        CheckConstraint("absence IN ('NO_RELATIVE', 'CANNOT_SIGN', 'WILL_NOT_SIGN')", name="absence"),
        CheckConstraint("absence IS NULL OR length(reason) >= 3", name="reason"),
        CheckConstraint("(device_hash IS NULL) = (joined_at IS NULL)", name="device"),
        Index("ix_signing_sitting_patient", "patient_id", "opened_at"),
        Index("ix_signing_sitting_state", "state", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    patient_id: Mapped[UUID]
    patient_name: Mapped[str] = mapped_column(Text)
    signer_kind: Mapped[str] = mapped_column(Text)
    signer_name: Mapped[str] = mapped_column(Text)
    signer_number: Mapped[str] = mapped_column(Text)
    """Personal number or passport of who signs."""
    relation: Mapped[str] = mapped_column(Text)
    """What a representative is to the patient (quan hệ); empty for the patient."""
    standing: Mapped[str | None] = mapped_column(Text)
    """Why somebody signs for the patient (Luật KCB Đ8)."""
    standing_note: Mapped[str] = mapped_column(Text)
    absence: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    """Why nobody signs, or why the person refused, or why it was cancelled."""
    method: Mapped[str | None] = mapped_column(Text)
    opened_by: Mapped[UUID] = mapped_column(ForeignKey("kernel_staff_account.id"))
    opened_name: Mapped[str] = mapped_column(Text)
    opened_title: Mapped[str] = mapped_column(Text)
    opened_department: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    device_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    device: Mapped[str] = mapped_column(Text)
    device_ip: Mapped[str] = mapped_column(Text)
    joined_at: Mapped[Instant | None]
    phone_id: Mapped[UUID | None] = mapped_column(ForeignKey("signing_verified_phone.id"))
    signed_at: Mapped[Instant | None]
    ended_at: Mapped[Instant | None]


class SittingDocument(Base):
    """A document of a sitting, by the hash of the bytes that were listed, and what became of it."""

    __tablename__ = "signing_sitting_document"
    __table_args__ = (
        UniqueConstraint("sitting_id", "position"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("bundle_sha256 ~ '^[0-9a-f]{64}$'", name="bundle_sha256"),
        CheckConstraint("(bundle_sha256 IS NULL) = (signed_at IS NULL)", name="signed"),
        CheckConstraint("sealed_at IS NULL OR signed_at IS NOT NULL", name="sealed"),
        Index("ix_signing_sitting_document_document", "document_id"),
    )

    sitting_id: Mapped[UUID] = mapped_column(ForeignKey("signing_sitting.id"), primary_key=True)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("signing_document.id"), primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger)
    slot_id: Mapped[UUID] = mapped_column(ForeignKey("signing_slot.id"))
    sha256: Mapped[str] = mapped_column(Text)
    size: Mapped[int]
    """Bytes; the signed revision begins here."""
    pages: Mapped[int]
    pages_shown: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    """Pages whose picture the device fetched."""
    shown_at: Mapped[Instant | None]
    signed_at: Mapped[Instant | None]
    bundle_sha256: Mapped[str | None] = mapped_column(Text)
    scan_sha256: Mapped[str | None] = mapped_column(Text)
    sealed_at: Mapped[Instant | None]
    failure: Mapped[str] = mapped_column(Text)
    """Why it could not be sealed and never will be."""


class VerifiedPhone(Base):
    """A phone that its holder proved to hold (số điện thoại đã xác minh), for one patient's matters."""

    __tablename__ = "signing_verified_phone"
    __table_args__ = (Index("ix_signing_verified_phone_patient", "patient_id", "phone"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID]
    holder_name: Mapped[str] = mapped_column(Text)
    phone: Mapped[str] = mapped_column(Text)
    verified_at: Mapped[Instant]
    verified_by: Mapped[UUID] = mapped_column(ForeignKey("kernel_staff_account.id"))


class PhoneCode(Base):
    """A one-time code (mã một lần), by hash: to prove a phone, or to sign what one sitting lists."""

    __tablename__ = "signing_phone_code"
    __table_args__ = (
        CheckConstraint("purpose IN ('PROVE', 'SIGN')", name="purpose"),
        CheckConstraint("tries >= 0", name="tries"),
        Index("ix_signing_phone_code_sitting", "sitting_id", "asked_at"),
        Index("ix_signing_phone_code_phone", "phone", "asked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sitting_id: Mapped[UUID] = mapped_column(ForeignKey("signing_sitting.id"))
    purpose: Mapped[str] = mapped_column(Text)
    phone: Mapped[str] = mapped_column(Text)
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    tries: Mapped[int] = mapped_column(SmallInteger)
    asked_at: Mapped[Instant]
    sent_at: Mapped[Instant | None]
    expires_at: Mapped[Instant]
    used_at: Mapped[Instant | None]


class SittingWitness(Base):
    """A member of staff who confirmed, with the own key, that somebody did not sign (người làm chứng). Insert-only."""

    __tablename__ = "signing_sitting_witness"

    sitting_id: Mapped[UUID] = mapped_column(ForeignKey("signing_sitting.id"), primary_key=True)
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("kernel_staff_account.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    certificate_id: Mapped[UUID] = mapped_column(ForeignKey("signing_certificate.id"))
    statement_sha256: Mapped[str] = mapped_column(Text)
    cms: Mapped[bytes] = mapped_column(LargeBinary)
    """Detached signature over the statement."""
    witnessed_at: Mapped[Instant]
    session_id: Mapped[UUID | None]
    ip: Mapped[str] = mapped_column(Text)


class IdentityCheck(Base):
    """An answer of the national identity service about one document (NĐ 69/2024 Đ19 k4). Insert-only."""

    __tablename__ = "signing_identity_check"
    __table_args__ = (
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        Index("ix_signing_identity_check_sitting", "sitting_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sitting_id: Mapped[UUID] = mapped_column(ForeignKey("signing_sitting.id"))
    document_id: Mapped[UUID] = mapped_column(ForeignKey("signing_document.id"))
    sha256: Mapped[str] = mapped_column(Text)
    transaction_code: Mapped[str] = mapped_column(Text, unique=True)
    """The service's; one serves one document, once."""
    verified: Mapped[bool]
    reply_code: Mapped[str] = mapped_column(Text)
    answered_at: Mapped[Instant]
