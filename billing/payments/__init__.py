"""Money that reaches a request: shared, posted, receipted, orders let go."""
