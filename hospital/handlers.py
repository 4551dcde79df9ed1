"""Importing this registers every package's event handlers and jobs."""

from importlib import import_module

PACKAGES = ("kernel", "signing", "insurance", "emr", "billing", "patient_portal", "kiosk")

for package in PACKAGES:
    import_module(f"{package}.handlers")
