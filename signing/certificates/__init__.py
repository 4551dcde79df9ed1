"""Certificates of staff and of the organisation: whose they are, until when, where their key is."""
