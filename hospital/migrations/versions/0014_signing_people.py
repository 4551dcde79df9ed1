"""Patients and relatives who sign on a tablet, and the evidence."""

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the change that needs it."""
