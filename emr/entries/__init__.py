"""Entries of the treatment sheet (tờ điều trị 36/BV2)."""
