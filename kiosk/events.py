"""Facts that kiosk publishes."""
