"""What the hospital's counters and wards still lacked."""

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the change that needs it."""
