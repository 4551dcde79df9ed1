"""Handing over, signing on behalf, reminders, entries and scans."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
STAFF = "kernel_staff_account.id"


def fk(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def upgrade() -> None:
    behalf()
    mandates()
    seal_and_reminders()
    scans()
    protect()


def behalf() -> None:
    """Who was asked first, and in which capacity somebody signed."""
    op.add_column("signing_slot", sa.Column("asked_id", sa.Uuid()))
    op.add_column("signing_slot", sa.Column("asked_role", sa.Text()))
    op.add_column("signing_slot", sa.Column("asked_department", sa.Text()))
    op.create_foreign_key(
        "fk_signing_slot_asked_id", "signing_slot", "kernel_staff_account", ["asked_id"], ["id"]
    )
    for name, default in (("capacity", "OWN"), ("on_behalf_of", ""), ("basis", "")):
        op.add_column("signing_signature", sa.Column(name, sa.Text(), nullable=False, server_default=default))
    op.add_column("signing_signature", sa.Column("asked_id", sa.Uuid()))
    op.create_foreign_key(
        "fk_signing_signature_asked_id", "signing_signature", "kernel_staff_account", ["asked_id"], ["id"]
    )
    op.create_check_constraint("capacity", "signing_signature", "capacity IN ('OWN', 'KT', 'TL', 'DUTY')")
    op.create_check_constraint("on_behalf_of", "signing_signature", "capacity = 'OWN' OR on_behalf_of <> ''")


def mandates() -> None:
    op.create_table(
        "signing_delegation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("capacity", sa.Text(), nullable=False),
        sa.Column("giver_id", sa.Uuid(), nullable=False),
        sa.Column("giver_name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("department", sa.Text()),
        sa.Column("taker_id", sa.Uuid(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("given_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.Column("ended_by", sa.Uuid()),
        sa.PrimaryKeyConstraint("id", name="pk_signing_delegation"),
        fk("signing_delegation", "giver_id", STAFF),
        fk("signing_delegation", "taker_id", STAFF),
        sa.CheckConstraint("capacity IN ('KT', 'TL')", name="capacity"),
        sa.CheckConstraint("role IN ('head', 'director')", name="role"),
        sa.CheckConstraint("ends_at > starts_at", name="order"),
        sa.CheckConstraint("giver_id <> taker_id", name="another"),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended"),
    )
    op.create_index("ix_signing_delegation_taker", "signing_delegation", ["taker_id", "ends_at"])
    op.create_table(
        "signing_handover",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("from_id", sa.Uuid()),
        sa.Column("from_role", sa.Text()),
        sa.Column("from_department", sa.Text()),
        sa.Column("to_id", sa.Uuid(), nullable=False),
        sa.Column("by_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("handed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_handover"),
        fk("signing_handover", "slot_id", "signing_slot.id"),
        fk("signing_handover", "from_id", STAFF),
        fk("signing_handover", "to_id", STAFF),
        fk("signing_handover", "by_id", STAFF),
    )
    op.create_index("ix_signing_handover_slot_id", "signing_handover", ["slot_id"])


def seal_and_reminders() -> None:
    op.create_table(
        "signing_release",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("released_by", sa.Uuid(), nullable=False),
        sa.Column("released_name", sa.Text(), nullable=False),
        sa.Column("released_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_release"),
        sa.UniqueConstraint("slot_id", name="uq_signing_release_slot_id"),
        fk("signing_release", "slot_id", "signing_slot.id"),
        fk("signing_release", "released_by", STAFF),
    )
    op.create_table(
        "signing_reminder",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("to_id", sa.Uuid()),
        sa.Column("to_role", sa.Text()),
        sa.Column("department", sa.Text()),
        sa.Column("escalated", sa.Boolean(), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_reminder"),
        sa.UniqueConstraint("slot_id", "step", name="uq_signing_reminder_slot_id_step"),
        fk("signing_reminder", "slot_id", "signing_slot.id"),
        fk("signing_reminder", "to_id", STAFF),
        sa.CheckConstraint("step > 0", name="step"),
    )
    op.create_index("ix_signing_reminder_to_id", "signing_reminder", ["to_id"])


def scans() -> None:
    op.create_table(
        "emr_scan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("paper_fate", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("converted_at", MOMENT, nullable=False),
        sa.Column("converted_by", sa.Uuid(), nullable=False),
        sa.Column("converted_name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_emr_scan"),
        sa.UniqueConstraint("document_id", name="uq_emr_scan_document_id"),
        fk("emr_scan", "patient_id", "emr_patient.id"),
        fk("emr_scan", "document_id", "signing_document.id"),
        fk("emr_scan", "converted_by", STAFF),
        sa.CheckConstraint("paper_fate IN ('KEPT', 'RETURNED', 'DESTROYED')", name="paper_fate"),
        sa.CheckConstraint("pages > 0", name="pages"),
        sa.CheckConstraint("source_sha256 ~ '^[0-9a-f]{64}$'", name="source_sha256"),
    )
    op.create_index("ix_emr_scan_patient", "emr_scan", ["patient_id", "converted_at"])


def protect() -> None:
    """Notes are insert-only; a mandate only ever gets its early end; who was asked first is never forgotten."""
    for table in ("signing_handover", "signing_release", "signing_reminder", "emr_scan"):
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM lanh_app")
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()"
        )
    op.execute("REVOKE DELETE, TRUNCATE ON signing_delegation FROM lanh_app")
    op.execute(
        """
        CREATE FUNCTION signing_keep_delegation() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR OLD.ended_at IS NOT NULL
               OR (OLD.id, OLD.capacity, OLD.giver_id, OLD.giver_name, OLD.role, OLD.department, OLD.taker_id,
                   OLD.basis, OLD.starts_at, OLD.ends_at, OLD.given_at)
                  IS DISTINCT FROM
                  (NEW.id, NEW.capacity, NEW.giver_id, NEW.giver_name, NEW.role, NEW.department, NEW.taker_id,
                   NEW.basis, NEW.starts_at, NEW.ends_at, NEW.given_at)
            THEN
                RAISE EXCEPTION 'a mandate is ended, never edited' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER signing_delegation_keep BEFORE UPDATE OR DELETE ON signing_delegation"
        " FOR EACH ROW EXECUTE FUNCTION signing_keep_delegation()"
    )
    op.execute(
        """
        CREATE FUNCTION signing_keep_asked() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (OLD.asked_id IS NOT NULL OR OLD.asked_role IS NOT NULL)
               AND (OLD.asked_id, OLD.asked_role, OLD.asked_department)
                   IS DISTINCT FROM (NEW.asked_id, NEW.asked_role, NEW.asked_department)
            THEN
                RAISE EXCEPTION 'who was asked first is never forgotten' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER signing_slot_asked BEFORE UPDATE ON signing_slot"
        " FOR EACH ROW EXECUTE FUNCTION signing_keep_asked()"
    )
