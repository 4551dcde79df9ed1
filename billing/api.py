"""What other packages may use of billing."""
