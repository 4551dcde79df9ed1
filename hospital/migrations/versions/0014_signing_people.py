"""Patients and relatives who sign on a tablet, and the evidence."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
STAFF = "kernel_staff_account.id"
SITTING = "signing_sitting.id"
METHODS = "('DRAWN', 'FINGERPRINT', 'OTP', 'NATIONAL_ID', 'WITNESSED', 'PAPER')"


def fk(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def upgrade() -> None:
    documents()
    phones()
    sittings()
    listed()
    codes()
    witnesses()
    identity_checks()
    protect()


def documents() -> None:
    """A slot may be the patient's; who signed may be a patient, a representative or witnesses."""
    op.add_column("signing_document", sa.Column("patient_born", sa.Date()))
    op.add_column(
        "signing_document", sa.Column("patient_number", sa.Text(), nullable=False, server_default="")
    )
    op.drop_constraint("owner_kind", "signing_slot", type_="check")
    op.create_check_constraint(
        "owner_kind", "signing_slot", "owner_kind IN ('PERSON', 'ROLE', 'PATIENT', 'ORGANISATION')"
    )
    op.drop_constraint("signer_kind", "signing_signature", type_="check")
    op.create_check_constraint(
        "signer_kind",
        "signing_signature",
        "signer_kind IN ('STAFF', 'ORGANISATION', 'PATIENT', 'REPRESENTATIVE', 'WITNESSES')",
    )


def phones() -> None:
    op.create_table(
        "signing_verified_phone",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("holder_name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("verified_at", MOMENT, nullable=False),
        sa.Column("verified_by", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_verified_phone"),
        fk("signing_verified_phone", "verified_by", STAFF),
    )
    op.create_index("ix_signing_verified_phone_patient", "signing_verified_phone", ["patient_id", "phone"])


def sittings() -> None:
    op.create_table(
        "signing_sitting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("patient_name", sa.Text(), nullable=False),
        sa.Column("signer_kind", sa.Text(), nullable=False),
        sa.Column("signer_name", sa.Text(), nullable=False),
        sa.Column("signer_number", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text()),
        sa.Column("standing_note", sa.Text(), nullable=False),
        sa.Column("absence", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("method", sa.Text()),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("opened_name", sa.Text(), nullable=False),
        sa.Column("opened_title", sa.Text(), nullable=False),
        sa.Column("opened_department", sa.Text(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("code_hash", sa.LargeBinary()),
        sa.Column("device_hash", sa.LargeBinary()),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("device_ip", sa.Text(), nullable=False),
        sa.Column("joined_at", MOMENT),
        sa.Column("phone_id", sa.Uuid()),
        sa.Column("signed_at", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_signing_sitting"),
        sa.UniqueConstraint("code_hash", name="uq_signing_sitting_code_hash"),
        fk("signing_sitting", "opened_by", STAFF),
        fk("signing_sitting", "phone_id", "signing_verified_phone.id"),
        sa.CheckConstraint("kind IN ('TABLET', 'ABSENCE', 'PAPER')", name="kind"),
        sa.CheckConstraint(
            "state IN ('OPEN', 'SHOWN', 'SIGNED', 'SEALED', 'REFUSED', 'EXPIRED', 'CANCELLED')", name="state"
        ),
        sa.CheckConstraint("signer_kind IN ('PATIENT', 'REPRESENTATIVE')", name="signer_kind"),
        sa.CheckConstraint(
            "(signer_kind = 'REPRESENTATIVE') = (relation <> '') AND (relation <> '') = (standing IS NOT NULL)",
            name="relation",
        ),
        sa.CheckConstraint(
            "standing IN ('MINOR', 'INCAPACITATED', 'UNCONSCIOUS', 'AUTHORISED')", name="standing"
        ),
        sa.CheckConstraint(f"method IN {METHODS}", name="method"),
        sa.CheckConstraint("(state IN ('SIGNED', 'SEALED')) <= (method IS NOT NULL)", name="signed"),
        sa.CheckConstraint("(kind = 'ABSENCE') = (absence IS NOT NULL)", name="absent"),
        sa.CheckConstraint("absence IN ('NO_RELATIVE', 'CANNOT_SIGN', 'WILL_NOT_SIGN')", name="absence"),
        sa.CheckConstraint("absence IS NULL OR length(reason) >= 3", name="reason"),
        sa.CheckConstraint("(device_hash IS NULL) = (joined_at IS NULL)", name="device"),
    )
    op.create_index("ix_signing_sitting_patient", "signing_sitting", ["patient_id", "opened_at"])
    op.create_index("ix_signing_sitting_state", "signing_sitting", ["state", "expires_at"])


def listed() -> None:
    op.create_table(
        "signing_sitting_document",
        sa.Column("sitting_id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("pages_shown", pg.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("shown_at", MOMENT),
        sa.Column("signed_at", MOMENT),
        sa.Column("bundle_sha256", sa.Text()),
        sa.Column("scan_sha256", sa.Text()),
        sa.Column("sealed_at", MOMENT),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sitting_id", "document_id", name="pk_signing_sitting_document"),
        sa.UniqueConstraint("sitting_id", "position", name="uq_signing_sitting_document_sitting_id_position"),
        fk("signing_sitting_document", "sitting_id", SITTING),
        fk("signing_sitting_document", "document_id", "signing_document.id"),
        fk("signing_sitting_document", "slot_id", "signing_slot.id"),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        sa.CheckConstraint("bundle_sha256 ~ '^[0-9a-f]{64}$'", name="bundle_sha256"),
        sa.CheckConstraint("(bundle_sha256 IS NULL) = (signed_at IS NULL)", name="signed"),
        sa.CheckConstraint("sealed_at IS NULL OR signed_at IS NOT NULL", name="sealed"),
    )
    op.create_index("ix_signing_sitting_document_document", "signing_sitting_document", ["document_id"])


def codes() -> None:
    op.create_table(
        "signing_phone_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sitting_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary()),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_signing_phone_code"),
        fk("signing_phone_code", "sitting_id", SITTING),
        sa.CheckConstraint("purpose IN ('PROVE', 'SIGN')", name="purpose"),
        sa.CheckConstraint("tries >= 0", name="tries"),
    )
    op.create_index("ix_signing_phone_code_sitting", "signing_phone_code", ["sitting_id", "asked_at"])
    op.create_index("ix_signing_phone_code_phone", "signing_phone_code", ["phone", "asked_at"])


def witnesses() -> None:
    op.create_table(
        "signing_sitting_witness",
        sa.Column("sitting_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("statement_sha256", sa.Text(), nullable=False),
        sa.Column("cms", sa.LargeBinary(), nullable=False),
        sa.Column("witnessed_at", MOMENT, nullable=False),
        sa.Column("session_id", sa.Uuid()),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sitting_id", "staff_id", name="pk_signing_sitting_witness"),
        fk("signing_sitting_witness", "sitting_id", SITTING),
        fk("signing_sitting_witness", "staff_id", STAFF),
        fk("signing_sitting_witness", "certificate_id", "signing_certificate.id"),
    )


def identity_checks() -> None:
    op.create_table(
        "signing_identity_check",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sitting_id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("transaction_code", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("reply_code", sa.Text(), nullable=False),
        sa.Column("answered_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_identity_check"),
        sa.UniqueConstraint("transaction_code", name="uq_signing_identity_check_transaction_code"),
        fk("signing_identity_check", "sitting_id", SITTING),
        fk("signing_identity_check", "document_id", "signing_document.id"),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
    )
    op.create_index("ix_signing_identity_check_sitting", "signing_identity_check", ["sitting_id"])


def protect() -> None:
    """Evidence is insert-only; an ended sitting and a sealed row never change."""
    for table in ("signing_verified_phone", "signing_sitting_witness", "signing_identity_check"):
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM lanh_app")
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()"
        )
    op.execute(
        """
        CREATE FUNCTION signing_keep_sitting() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR OLD.state IN ('SEALED', 'REFUSED', 'EXPIRED', 'CANCELLED')
               OR (OLD.state = 'SIGNED' AND NEW.state NOT IN ('SIGNED', 'SEALED', 'CANCELLED'))
               OR (OLD.state = 'SHOWN' AND NEW.state = 'OPEN') THEN
                RAISE EXCEPTION 'a sitting never goes back' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER signing_sitting_keep BEFORE UPDATE OR DELETE ON signing_sitting"
        " FOR EACH ROW EXECUTE FUNCTION signing_keep_sitting()"
    )
    op.execute(
        """
        CREATE FUNCTION signing_keep_sitting_document() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR OLD.sealed_at IS NOT NULL
               OR (OLD.sha256, OLD.slot_id, OLD.size) IS DISTINCT FROM (NEW.sha256, NEW.slot_id, NEW.size)
               OR (OLD.bundle_sha256 IS NOT NULL AND OLD.bundle_sha256 IS DISTINCT FROM NEW.bundle_sha256) THEN
                RAISE EXCEPTION 'what was listed and signed never changes' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER signing_sitting_document_keep BEFORE UPDATE OR DELETE ON signing_sitting_document"
        " FOR EACH ROW EXECUTE FUNCTION signing_keep_sitting_document()"
    )
    for table in ("signing_sitting", "signing_sitting_document", "signing_phone_code"):
        op.execute(f"REVOKE DELETE, TRUNCATE ON {table} FROM lanh_app")
