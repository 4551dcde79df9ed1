"""Where signing keys live, which signer signs what, and how certificates end."""

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled by the change that needs it."""
