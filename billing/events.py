"""Facts that billing publishes."""
