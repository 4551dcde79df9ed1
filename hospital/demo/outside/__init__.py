"""Stand-ins for the bank, tax provider, SMS gateway, TSA; separate HTTP server, misbehave on command."""
