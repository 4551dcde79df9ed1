"""Patients (người bệnh): identity, identifier history, search."""
