"""Exam visits: opened, begun, ended."""
