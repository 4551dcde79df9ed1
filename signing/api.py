"""What other packages may use of signing."""
