"""Importing this registers the event and job handlers of kiosk."""
