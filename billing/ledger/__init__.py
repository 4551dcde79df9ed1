"""The money ledger: double entry, append-only; a balance is a sum."""
