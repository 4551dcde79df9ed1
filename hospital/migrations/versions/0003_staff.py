"""Staff accounts and their sessions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "kernel_staff_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("roles", pg.ARRAY(sa.Text()), nullable=False),
        sa.Column("citizen_id", sa.Text()),
        sa.Column("practice_license", sa.Text()),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("failed_tries", sa.Integer(), nullable=False),
        sa.Column("locked_until", moment),
        sa.Column("disabled_at", moment),
        sa.Column("created_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_kernel_staff_account"),
        sa.UniqueConstraint("username", name="uq_kernel_staff_account_username"),
        sa.CheckConstraint(
            "username = lower(username) AND username ~ '^[a-z0-9._-]{2,40}$'",
            name="username",
        ),
        sa.CheckConstraint("citizen_id IS NULL OR citizen_id ~ '^[0-9]{12}$'", name="citizen_id"),
    )
    op.create_table(
        "kernel_staff_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("ip", pg.INET()),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("last_seen_at", moment, nullable=False),
        sa.Column("ended_at", moment),
        sa.PrimaryKeyConstraint("id", name="pk_kernel_staff_session"),
        sa.UniqueConstraint("token_hash", name="uq_kernel_staff_session_token_hash"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["kernel_staff_account.id"], name="fk_kernel_staff_session_account_id"
        ),
    )
    op.create_index("ix_kernel_staff_session_account_id", "kernel_staff_session", ["account_id"])
