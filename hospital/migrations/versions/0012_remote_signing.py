"""Signatures made elsewhere: remote service and workstation token, under way."""

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the change that needs it."""
