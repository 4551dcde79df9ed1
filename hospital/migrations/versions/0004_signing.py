"""Certificates, documents, signature slots and evidence."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
STAFF = "kernel_staff_account.id"


def fk(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def upgrade() -> None:
    certificates()
    documents()
    signatures()
    protect()


def certificates() -> None:
    op.create_table(
        "signing_certificate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Uuid()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("chain", pg.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("not_after", MOMENT, nullable=False),
        sa.Column("key_kind", sa.Text(), nullable=False),
        sa.Column("key_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("registered_at", MOMENT, nullable=False),
        sa.Column("registered_by", sa.Uuid(), nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_signing_certificate"),
        sa.UniqueConstraint("fingerprint", name="uq_signing_certificate_fingerprint"),
        fk("signing_certificate", "staff_id", STAFF),
        sa.CheckConstraint("owner_kind IN ('STAFF', 'ORGANISATION')", name="owner_kind"),
        sa.CheckConstraint("(owner_kind = 'STAFF') = (staff_id IS NOT NULL)", name="owner"),
        sa.CheckConstraint("state IN ('ACTIVE', 'RETIRED', 'REVOKED')", name="state"),
        sa.CheckConstraint("key_kind IN ('PKCS12')", name="key_kind"),
    )
    op.create_index(
        "uq_signing_certificate_active_staff",
        "signing_certificate",
        ["staff_id"],
        unique=True,
        postgresql_where=sa.text("state = 'ACTIVE' AND owner_kind = 'STAFF'"),
    )
    op.create_index(
        "uq_signing_certificate_active_organisation",
        "signing_certificate",
        ["owner_kind"],
        unique=True,
        postgresql_where=sa.text("state = 'ACTIVE' AND owner_kind = 'ORGANISATION'"),
    )
    op.create_table(
        "signing_unlocked_key",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_signing_unlocked_key"),
        fk("signing_unlocked_key", "staff_id", STAFF),
        fk("signing_unlocked_key", "certificate_id", "signing_certificate.id"),
    )
    op.create_index("ix_signing_unlocked_key_staff_id", "signing_unlocked_key", ["staff_id"])
    op.create_index("ix_signing_unlocked_key_used_at", "signing_unlocked_key", ["used_at"])
    op.create_table(
        "signing_pin_tries",
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("locked_until", MOMENT),
        sa.PrimaryKeyConstraint("staff_id", name="pk_signing_pin_tries"),
        fk("signing_pin_tries", "staff_id", STAFF),
    )


def documents() -> None:
    op.create_table(
        "signing_document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Uuid()),
        sa.Column("patient_name", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("base_sha256", sa.Text(), nullable=False),
        sa.Column("head_sha256", sa.Text(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("layout", pg.JSONB()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("supersedes", sa.Uuid()),
        sa.Column("lease", sa.Uuid()),
        sa.Column("lease_until", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("completed_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_signing_document"),
        sa.UniqueConstraint("code", name="uq_signing_document_code"),
        fk("signing_document", "supersedes", "signing_document.id"),
        sa.CheckConstraint(
            "state IN ('PENDING', 'ISSUED', 'REFUSED', 'RECALLED', 'SUPERSEDED')", name="state"
        ),
        sa.CheckConstraint(
            "base_sha256 ~ '^[0-9a-f]{64}$' AND head_sha256 ~ '^[0-9a-f]{64}$'", name="sha256"
        ),
        sa.CheckConstraint("pages > 0", name="pages"),
        sa.CheckConstraint("(state IN ('ISSUED', 'SUPERSEDED')) OR completed_at IS NULL", name="completed"),
    )
    op.create_index("ix_signing_document_patient", "signing_document", ["patient_id", "created_at"])
    op.create_index("ix_signing_document_subject", "signing_document", ["subject"])
    op.create_index("ix_signing_document_head", "signing_document", ["head_sha256"])
    op.create_index("ix_signing_document_supersedes", "signing_document", ["supersedes"])
    op.create_table(
        "signing_slot",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid()),
        sa.Column("owner_role", sa.Text()),
        sa.Column("owner_department", sa.Text()),
        sa.Column("open_since", MOMENT),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("signed_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_signing_slot"),
        sa.UniqueConstraint("document_id", "position", name="uq_signing_slot_document_id_position"),
        sa.UniqueConstraint("document_id", "field", name="uq_signing_slot_document_id_field"),
        fk("signing_slot", "document_id", "signing_document.id"),
        fk("signing_slot", "owner_id", STAFF),
        sa.CheckConstraint("owner_kind IN ('PERSON', 'ROLE', 'ORGANISATION')", name="owner_kind"),
        sa.CheckConstraint(
            "(owner_kind = 'PERSON') = (owner_id IS NOT NULL) AND (owner_kind = 'ROLE') = (owner_role IS NOT NULL)",
            name="owner",
        ),
        sa.CheckConstraint("state IN ('WAITING', 'SIGNED', 'REFUSED', 'CANCELLED')", name="state"),
        sa.CheckConstraint("(state = 'SIGNED') = (signed_at IS NOT NULL)", name="signed"),
    )
    owed = sa.text("state = 'WAITING' AND open_since IS NOT NULL")
    op.create_index("ix_signing_slot_owed", "signing_slot", ["owner_id", "open_since"], postgresql_where=owed)
    op.create_index(
        "ix_signing_slot_owed_by_role",
        "signing_slot",
        ["owner_role", "owner_department", "open_since"],
        postgresql_where=owed,
    )


def signatures() -> None:
    op.create_table(
        "signing_signature",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("signer_kind", sa.Text(), nullable=False),
        sa.Column("signer_id", sa.Uuid()),
        sa.Column("signer_name", sa.Text(), nullable=False),
        sa.Column("signer_title", sa.Text(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("previous_sha256", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("ocsps", pg.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("crls", pg.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("token", sa.LargeBinary()),
        sa.Column("stamped_at", MOMENT),
        sa.Column("stamped_by", sa.Text(), nullable=False),
        sa.Column("signed_at", MOMENT, nullable=False),
        sa.Column("session_id", sa.Uuid()),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_signature"),
        sa.UniqueConstraint("slot_id", name="uq_signing_signature_slot_id"),
        fk("signing_signature", "document_id", "signing_document.id"),
        fk("signing_signature", "slot_id", "signing_slot.id"),
        fk("signing_signature", "signer_id", STAFF),
        fk("signing_signature", "certificate_id", "signing_certificate.id"),
        sa.CheckConstraint("signer_kind IN ('STAFF', 'ORGANISATION')", name="signer_kind"),
        sa.CheckConstraint("level IN ('B-B', 'B-T')", name="level"),
        sa.CheckConstraint("standing IN ('GOOD', 'UNKNOWN', 'UNREACHABLE')", name="standing"),
    )
    op.create_index("ix_signing_signature_document", "signing_signature", ["document_id"])
    op.create_index("ix_signing_signature_signer", "signing_signature", ["signer_id", "signed_at"])
    op.create_table(
        "signing_refusal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("refused_by", sa.Uuid(), nullable=False),
        sa.Column("refused_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("refused_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_refusal"),
        fk("signing_refusal", "document_id", "signing_document.id"),
        fk("signing_refusal", "slot_id", "signing_slot.id"),
        fk("signing_refusal", "refused_by", STAFF),
    )
    op.create_index("ix_signing_refusal_document_id", "signing_refusal", ["document_id"])
    op.create_table(
        "signing_verdict",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("valid", sa.Boolean(), nullable=False),
        sa.Column("report", pg.JSONB(), nullable=False),
        sa.Column("checked_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_signing_verdict"),
    )
    op.create_table(
        "signing_archived",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("holds_until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_signing_archived"),
        fk("signing_archived", "document_id", "signing_document.id"),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        sa.CheckConstraint("level IN ('B-LT', 'B-LTA')", name="level"),
    )
    op.create_index("ix_signing_archived_document", "signing_archived", ["document_id", "made_at"])


def protect() -> None:
    """Evidence is insert-only; a signed slot and the origin of a document never change."""
    for table in ("signing_signature", "signing_refusal", "signing_archived"):
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM lanh_app")
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()"
        )
    op.execute(
        """
        CREATE FUNCTION signing_keep_slot() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.state = 'SIGNED' OR TG_OP = 'DELETE' THEN
                RAISE EXCEPTION 'a signed slot never changes' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER signing_slot_keep BEFORE UPDATE OR DELETE ON signing_slot"
        " FOR EACH ROW EXECUTE FUNCTION signing_keep_slot()"
    )
    op.execute(
        """
        CREATE FUNCTION signing_keep_document() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                RAISE EXCEPTION 'a document is never deleted' USING ERRCODE = 'restrict_violation';
            END IF;
            IF (OLD.code, OLD.kind, OLD.title, OLD.subject, OLD.patient_id, OLD.author_id, OLD.base_sha256,
                OLD.supersedes, OLD.created_at)
               IS DISTINCT FROM
               (NEW.code, NEW.kind, NEW.title, NEW.subject, NEW.patient_id, NEW.author_id, NEW.base_sha256,
                NEW.supersedes, NEW.created_at)
            THEN
                RAISE EXCEPTION 'the origin of a document never changes' USING ERRCODE = 'restrict_violation';
            END IF;
            IF OLD.state <> 'PENDING' AND NEW.head_sha256 <> OLD.head_sha256 THEN
                RAISE EXCEPTION 'a finished document never changes' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER signing_document_keep BEFORE UPDATE OR DELETE ON signing_document"
        " FOR EACH ROW EXECUTE FUNCTION signing_keep_document()"
    )
    for table in ("signing_document", "signing_slot"):
        op.execute(f"REVOKE DELETE, TRUNCATE ON {table} FROM lanh_app")
