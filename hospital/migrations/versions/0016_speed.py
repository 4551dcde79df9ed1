"""Indexes and shapes for speed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    public_tries()


def public_tries() -> None:
    """Tries of the public verify pages; losing them in a crash costs nothing, so they are not logged."""
    op.create_table(
        "signing_public_try",
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("tries", pg.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_signing_public_try"),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_signing_public_try_last_at", "signing_public_try", ["last_at"])
