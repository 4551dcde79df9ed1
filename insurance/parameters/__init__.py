"""Figures of the benefit rules with the dates they hold from."""
