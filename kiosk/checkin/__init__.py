"""Self-service check-in: a scan becomes a visit and a ticket."""
