"""Where signing keys live, which signer signs what, and how certificates end."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
STAFF = "kernel_staff_account.id"
CERTIFICATE = "signing_certificate.id"


def fk(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def upgrade() -> None:
    certificates()
    notices()
    unlocked_keys()
    policy()
    evidence()
    rehearsals()


def certificates() -> None:
    """One certificate in use for each kind of key; what the authority last said of it."""
    op.execute("ALTER TABLE signing_certificate DROP CONSTRAINT ck_signing_certificate_key_kind")
    op.create_check_constraint(
        "key_kind", "signing_certificate", "key_kind IN ('PKCS12', 'PKCS11', 'CSC', 'TOKEN')"
    )
    op.add_column("signing_certificate", sa.Column("standing", sa.Text()))
    op.add_column("signing_certificate", sa.Column("checked_at", MOMENT))
    op.add_column("signing_certificate", sa.Column("revoked_at", MOMENT))
    op.create_check_constraint(
        "standing",
        "signing_certificate",
        "standing IS NULL OR standing IN ('GOOD', 'REVOKED', 'UNKNOWN', 'UNREACHABLE')",
    )
    op.create_check_constraint("revoked", "signing_certificate", "revoked_at IS NULL OR state = 'REVOKED'")
    op.drop_index("uq_signing_certificate_active_staff", "signing_certificate")
    op.drop_index("uq_signing_certificate_active_organisation", "signing_certificate")
    op.create_index(
        "uq_signing_certificate_active_staff",
        "signing_certificate",
        ["staff_id", "key_kind"],
        unique=True,
        postgresql_where=sa.text("state = 'ACTIVE' AND owner_kind = 'STAFF'"),
    )
    op.create_index(
        "uq_signing_certificate_active_organisation",
        "signing_certificate",
        ["owner_kind", "key_kind"],
        unique=True,
        postgresql_where=sa.text("state = 'ACTIVE' AND owner_kind = 'ORGANISATION'"),
    )


def notices() -> None:
    """Each warning about a certificate is made once, and stands until its reader has seen it."""
    op.create_table(
        "signing_certificate_notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("owner_seen_at", MOMENT),
        sa.Column("admin_seen_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_signing_certificate_notice"),
        sa.UniqueConstraint(
            "certificate_id", "kind", name="uq_signing_certificate_notice_certificate_id_kind"
        ),
        fk("signing_certificate_notice", "certificate_id", CERTIFICATE),
        sa.CheckConstraint("kind IN ('DAYS_60', 'DAYS_30', 'DAYS_7', 'ENDED', 'REVOKED')", name="kind"),
    )


def unlocked_keys() -> None:
    """A key that was opened for a sign-in goes with it, whoever ends it and in whichever process."""
    op.add_column("signing_unlocked_key", sa.Column("session_id", sa.Uuid()))
    op.create_foreign_key(
        "fk_signing_unlocked_key_session_id",
        "signing_unlocked_key",
        "kernel_staff_session",
        ["session_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_index("ix_signing_unlocked_key_session_id", "signing_unlocked_key", ["session_id"])
    op.execute(
        """
        CREATE FUNCTION signing_close_keys() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            DELETE FROM signing_unlocked_key WHERE session_id = NEW.id;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER signing_close_keys AFTER UPDATE OF ended_at ON kernel_staff_session"
        " FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION signing_close_keys()"
    )


def policy() -> None:
    """Which kinds of key may sign, in order of preference: for everybody, a person, a document type, or both."""
    op.create_table(
        "signing_policy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_kind", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Uuid()),
        sa.Column("document_kind", sa.Text(), nullable=False),
        sa.Column("key_kinds", pg.ARRAY(sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_at", MOMENT, nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_policy"),
        fk("signing_policy", "staff_id", STAFF),
        sa.CheckConstraint("owner_kind IN ('STAFF', 'ORGANISATION')", name="owner_kind"),
        sa.CheckConstraint("staff_id IS NULL OR owner_kind = 'STAFF'", name="owner"),
        sa.CheckConstraint(
            "cardinality(key_kinds) > 0 AND key_kinds <@ ARRAY['PKCS12', 'PKCS11', 'CSC', 'TOKEN']",
            name="key_kinds",
        ),
    )
    op.create_index(
        "uq_signing_policy_owner_kind_staff_id_document_kind",
        "signing_policy",
        ["owner_kind", "staff_id", "document_kind"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )


def evidence() -> None:
    """What TT 15/2025 Đ5 wants kept beside each signature, complete without another table."""
    texts = ("slot_label", "certificate_serial", "certificate_issuer", "device")
    columns: list[tuple[sa.Column[Any], str]] = [
        *((sa.Column(name, sa.Text(), nullable=False), "''") for name in texts),
        (sa.Column("version", sa.Integer(), nullable=False), "1"),
        (sa.Column("certificate", sa.LargeBinary(), nullable=False), "''"),
        (sa.Column("chain", pg.ARRAY(sa.LargeBinary()), nullable=False), "'{}'"),
        (sa.Column("checks", pg.JSONB(), nullable=False), "'{}'"),
    ]
    for column, before in columns:
        column.server_default = sa.DefaultClause(sa.text(before))
        op.add_column("signing_signature", column)
        op.alter_column("signing_signature", column.name, server_default=None)
    op.create_check_constraint("version", "signing_signature", "version > 0")


def rehearsals() -> None:
    """Results of trying out everything a signer needs before the day it counts."""
    op.create_table(
        "signing_rehearsal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid()),
        sa.Column("certificate_id", sa.Uuid()),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.Column("checks", pg.JSONB(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_rehearsal"),
        fk("signing_rehearsal", "staff_id", STAFF),
        fk("signing_rehearsal", "certificate_id", CERTIFICATE),
    )
    op.create_index("ix_signing_rehearsal_staff", "signing_rehearsal", ["staff_id", "made_at"])
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON signing_rehearsal FROM lanh_app")
    op.execute(
        "CREATE TRIGGER signing_rehearsal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON signing_rehearsal"
        " FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()"
    )
    op.execute("REVOKE DELETE, TRUNCATE ON signing_certificate_notice FROM lanh_app")
