"""Paired devices of the lobby, each with one narrow purpose."""
