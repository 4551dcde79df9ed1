"""Cash shifts: one cashier, one open shift, one counter."""
