"""Who did what to which record, when and why: rows that can't be changed unnoticed."""
