"""What a person must know to try the demo: who works there, what opens their doors. Light to import."""

import csv
from pathlib import Path

DATA = Path(__file__).parent / "data"
DEMO_PASSWORD = "lanh-demo-2026"  # noqa: S105  (printed on the demo's first screen; demo only)
DEMO_PIN = "246810"
DEMO_PHONE = "0500000002"
DEMO_BORN = "30/09/1961"
"""The person to try the portal as, with visits in the past and a booking ahead."""
KIOSK_CODE = "SANHA-MAY22"
"""Pairs the demo's one lobby machine, once."""


def rows_of(name: str) -> list[dict[str, str]]:
    """The rows of a file a person may edit."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def staff_rows() -> list[dict[str, str]]:
    """The people of staff.csv."""
    return rows_of("staff.csv")
