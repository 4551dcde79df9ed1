"""Facts that signing publishes."""
