"""Settle an episode once nothing is owed."""
