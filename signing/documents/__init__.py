"""Documents to be signed: their bytes by hash, ordered slots, state, evidence of each signature."""
