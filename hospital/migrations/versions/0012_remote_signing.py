"""Signatures made elsewhere: remote service and workstation token, under way."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ENDED = "('SIGNED', 'CANCELLED', 'TIMED_OUT', 'FAILED')"


def fk(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def upgrade() -> None:
    sittings()
    items()
    protect()


def sittings() -> None:
    op.create_table(
        "signing_remote",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Uuid()),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("claimed_until", MOMENT),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_signing_remote"),
        sa.UniqueConstraint("method", "reference", name="uq_signing_remote_method_reference"),
        fk("signing_remote", "staff_id", "kernel_staff_account.id"),
        fk("signing_remote", "certificate_id", "signing_certificate.id"),
        sa.CheckConstraint(f"state IN ('PREPARED', 'WAITING') OR state IN {ENDED}", name="state"),
        sa.CheckConstraint(f"(state IN {ENDED}) = (ended_at IS NOT NULL)", name="ended"),
        sa.CheckConstraint("method IN ('PKI_REMOTE_CSC', 'PKI_TOKEN_AGENT')", name="method"),
    )
    op.create_index("ix_signing_remote_staff", "signing_remote", ["staff_id", "created_at"])
    op.create_index(
        "ix_signing_remote_live",
        "signing_remote",
        ["expires_at"],
        postgresql_where=sa.text("state IN ('PREPARED', 'WAITING')"),
    )


def items() -> None:
    op.create_table(
        "signing_remote_item",
        sa.Column("sitting_id", sa.Uuid(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("head_sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("prepared", sa.LargeBinary()),
        sa.Column("value", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("sitting_id", "document_id", name="pk_signing_remote_item"),
        fk("signing_remote_item", "sitting_id", "signing_remote.id"),
        fk("signing_remote_item", "document_id", "signing_document.id"),
        sa.CheckConstraint("state IN ('WAITING', 'SIGNED', 'SKIPPED', 'FAILED')", name="state"),
        sa.CheckConstraint("(state = 'WAITING') = (prepared IS NOT NULL)", name="prepared"),
    )
    op.create_index(
        "uq_signing_remote_item_live",
        "signing_remote_item",
        ["document_id"],
        unique=True,
        postgresql_where=sa.text("state = 'WAITING'"),
    )


def protect() -> None:
    """A sitting goes forward only, keeps whose it is and by which certificate, and stays."""
    op.execute(
        f"""
        CREATE FUNCTION signing_keep_remote() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.state IN {ENDED} OR (OLD.state = 'PREPARED' AND NEW.state = 'SIGNED')
               OR (OLD.state = 'WAITING' AND NEW.state = 'PREPARED')
            THEN
                RAISE EXCEPTION 'a sitting goes forward only' USING ERRCODE = 'restrict_violation';
            END IF;
            IF (OLD.staff_id, OLD.certificate_id, OLD.fingerprint, OLD.method, OLD.scheme, OLD.created_at)
               IS DISTINCT FROM
               (NEW.staff_id, NEW.certificate_id, NEW.fingerprint, NEW.method, NEW.scheme, NEW.created_at)
            THEN
                RAISE EXCEPTION 'the certificate of a sitting is pinned' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER signing_remote_keep BEFORE UPDATE ON signing_remote"
        " FOR EACH ROW EXECUTE FUNCTION signing_keep_remote()"
    )
    op.execute(
        """
        CREATE FUNCTION signing_keep_remote_item() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.state <> 'WAITING' OR (OLD.value IS NOT NULL AND NEW.value IS DISTINCT FROM OLD.value) THEN
                RAISE EXCEPTION 'what came of a document stays' USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER signing_remote_item_keep BEFORE UPDATE ON signing_remote_item"
        " FOR EACH ROW EXECUTE FUNCTION signing_keep_remote_item()"
    )
    for table in ("signing_remote", "signing_remote_item"):
        op.execute(f"REVOKE DELETE, TRUNCATE ON {table} FROM lanh_app")
