"""Effective-dated insurance parameters."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "insurance_parameter",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("value", sa.Numeric(16, 4), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", "valid_from", name="pk_insurance_parameter"),
        sa.CheckConstraint("value >= 0", name=op.f("ck_insurance_parameter_value_not_negative")),
        sa.CheckConstraint("source <> ''", name=op.f("ck_insurance_parameter_source_named")),
    )
    # A figure is never edited: decisions were made with it. A new one begins on a later day.
    op.execute("REVOKE UPDATE, DELETE ON insurance_parameter FROM lanh_app")
    op.execute(
        "CREATE TRIGGER insurance_parameter_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON insurance_parameter "
        "FOR EACH STATEMENT EXECUTE FUNCTION lanh_append_only()"
    )
