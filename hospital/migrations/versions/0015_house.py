"""What the hospital's counters and wards still lacked."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An index for the cards that reception looks up later."""
    op.execute("CREATE INDEX ix_emr_visit_insured ON emr_visit (opened_at) WHERE payer = 'BHYT'")
