"""Importing this registers the event and job handlers of patient_portal."""
