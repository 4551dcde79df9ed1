"""Payment references: VP + 9 digits + 2 check digits."""
