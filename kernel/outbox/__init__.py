"""Events and jobs: written in the business transaction, carried out by workers, at least once."""
