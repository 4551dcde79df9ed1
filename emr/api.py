"""What other packages may use of emr."""
