"""Orders, their release, results."""
