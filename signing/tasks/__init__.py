"""The work of signing: unlock a key, sign one or many, refuse, seal for the organisation, inbox."""
