"""Staff accounts, sessions, roles and the guards of routes."""
