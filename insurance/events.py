"""Facts that insurance publishes."""
