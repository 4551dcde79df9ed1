"""Measurements, each beside its floor or peer; run by `make bench`."""
