"""What other packages may use of insurance."""
