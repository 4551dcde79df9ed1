"""Patients book, ask for telehealth and read their record."""
