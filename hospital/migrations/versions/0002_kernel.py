"""Audit log, outbox and jobs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


class TransactionId(sa.types.UserDefinedType[str]):
    """PostgreSQL's xid8."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "xid8"


APPEND_ONLY = ("kernel_audit", "kernel_audit_block", "kernel_audit_checkpoint")


def moment(name: str, *, nullable: bool = False, now: bool = False) -> sa.Column[object]:
    default = sa.func.clock_timestamp() if now else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def upgrade() -> None:
    create_jobs()
    create_audit()
    for table in APPEND_ONLY:
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM lanh_app")
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()"
        )


def create_jobs() -> None:
    op.create_table(
        "kernel_job",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", postgresql.JSONB, nullable=False),
        sa.Column("lane", sa.Text),
        sa.Column("key", sa.Text),
        sa.Column("state", sa.Text, nullable=False, server_default="ready"),
        moment("run_at", now=True),
        moment("lease_until", nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text),
        moment("created_at", now=True),
        moment("finished_at", nullable=True),
        sa.UniqueConstraint("kind", "key", name="uq_kernel_job_kind_key"),
        sa.CheckConstraint("state IN ('ready', 'leased', 'done', 'dead', 'discarded')", name="state"),
        sa.CheckConstraint("(state = 'leased') = (lease_until IS NOT NULL)", name="lease"),
        sa.CheckConstraint("(state IN ('ready', 'leased')) = (finished_at IS NULL)", name="finished"),
    )
    ready, leased, waiting = "state = 'ready'", "state = 'leased'", "state IN ('ready', 'leased')"
    where = {"due": ready, "leased": leased, "lane": waiting, "finished": "state NOT IN ('ready', 'leased')"}
    columns = {
        "due": ["run_at", "id"],
        "leased": ["lease_until"],
        "lane": ["lane", "id"],
        "finished": ["state", "finished_at"],
    }
    for name, condition in where.items():
        op.create_index(
            f"ix_kernel_job_{name}", "kernel_job", columns[name], postgresql_where=sa.text(condition)
        )
    # Rows live for seconds: clear them away long before a fifth of the table is dead.
    op.execute("ALTER TABLE kernel_job SET (autovacuum_vacuum_scale_factor = 0.01, fillfactor = 80)")
    op.create_table(
        "kernel_periodic",
        sa.Column("kind", sa.Text, primary_key=True),
        moment("next_at", now=True),
        moment("lease_until", nullable=True),
        moment("last_started_at", nullable=True),
        moment("last_finished_at", nullable=True),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text),
    )


def create_audit() -> None:
    op.create_table(
        "kernel_audit",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("xid", TransactionId, nullable=False, server_default=sa.func.pg_current_xact_id()),
        moment("at", now=True),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("patient_id", sa.Uuid),
        sa.Column("actor_id", sa.Uuid, nullable=False),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("actor_roles", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("department", sa.Text, nullable=False),
        sa.Column("session_id", sa.Uuid),
        sa.Column("ip", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("detail", postgresql.JSONB, nullable=False),
    )
    op.create_index("ix_kernel_audit_xid", "kernel_audit", ["xid"])
    op.create_index("ix_kernel_audit_patient", "kernel_audit", ["patient_id", "id"])
    op.create_index("ix_kernel_audit_subject", "kernel_audit", ["subject", "id"])
    op.create_table(
        "kernel_audit_block",
        sa.Column("no", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("after_id", sa.BigInteger, nullable=False),
        sa.Column("from_xid", TransactionId, nullable=False),
        sa.Column("to_xid", TransactionId, nullable=False),
        sa.Column("row_count", sa.BigInteger, nullable=False),
        sa.Column("last_id", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        moment("sealed_at", now=True),
        sa.UniqueConstraint("epoch", "from_xid", name="uq_kernel_audit_block_epoch_from_xid"),
    )
    op.create_table(
        "kernel_audit_checkpoint",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("block_no", sa.BigInteger, nullable=False),
        sa.Column("block_hash", sa.LargeBinary, nullable=False),
        sa.Column("row_total", sa.BigInteger, nullable=False),
        sa.Column("signer", sa.Text, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        moment("signed_at", now=True),
    )
