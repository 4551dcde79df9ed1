"""Self-service devices of the lobby: check-in and boards."""
