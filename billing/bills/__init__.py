"""The bill of an episode: its charges shared between fund and patient, what was paid, what is left."""
