"""Seed the till: counters, and the prices of services.csv in their four kinds."""

import csv
from datetime import date
from pathlib import Path

from billing.api import NewPrice, PriceKind, add_counter, add_prices
from hospital.settings import Settings
from kernel.db import Sessions
from kernel.money import parse_vnd

SERVICES = Path(__file__).parent / "data" / "services.csv"
COUNTERS = (
    ("Q1", "Quầy thu 1"),
    ("Q2", "Quầy thu 2"),
    ("KIOSK1", "Kiosk sảnh 1"),
    ("PORTAL", "Cổng người bệnh"),
)
_COLUMNS = {
    PriceKind.BHYT: "price_bhyt",
    PriceKind.FEE: "price_fee",
    PriceKind.ON_DEMAND: "price_on_demand",
    PriceKind.FOREIGNER: "price_foreigner",
}


def price_rows() -> list[NewPrice]:
    """Read services.csv; an empty cell is a price that does not exist."""
    with SERVICES.open(encoding="utf-8", newline="") as file:
        return [
            NewPrice(row["code"], kind, parse_vnd(row[column]), date.fromisoformat(row["valid_from"]))
            for row in csv.DictReader(file)
            for kind, column in _COLUMNS.items()
            if row[column].strip()
        ]


async def seed(sessions: Sessions, settings: Settings) -> None:
    """Running it again changes nothing."""
    del settings
    async with sessions.begin() as session:
        for code, name in COUNTERS:
            await add_counter(session, code, name)
        if SERVICES.exists():
            await add_prices(session, price_rows())
