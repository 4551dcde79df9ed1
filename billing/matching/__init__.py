"""Match bank transactions with payment requests; what has no match is a work list."""
