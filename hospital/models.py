"""Import every table, so that Base.metadata knows the whole schema."""

import importlib
import pkgutil

from kernel.db import Base

PACKAGES = ("kernel", "signing", "insurance", "emr", "billing", "patient_portal", "kiosk")


def import_models() -> None:
    """Import each `models` module of each package."""
    for package in PACKAGES:
        module = importlib.import_module(package)
        for found in pkgutil.walk_packages(module.__path__, prefix=f"{package}."):
            if found.name.rsplit(".", 1)[-1] == "models":
                importlib.import_module(found.name)


import_models()
metadata = Base.metadata
