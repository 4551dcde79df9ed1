"""Departments, rooms, beds and the duty roster."""
