"""Queues and tickets of rooms."""
