"""Prices of services: four kinds, effective dated."""
