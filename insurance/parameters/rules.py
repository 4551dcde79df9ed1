"""Dated figures: what was in force on a day. Shipped rows are CSV files; a hospital adds rows of its own."""

import csv
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files

from msgspec import Struct


class Key(StrEnum):
    """Names of the dated figures."""

    BASE_SALARY = "base_salary"  # Đồng a month (lương cơ sở, mức tham chiếu).
    SMALL_COST_RATIO = "small_cost_ratio"  # Part of the base salary.
    EXEMPTION_MULTIPLE = "exemption_multiple"  # Base salaries.
    CARD_GRACE_DAYS = "card_grace_days"
    DEVICE_PACKAGE_MULTIPLE = "device_package_multiple"  # Base salaries.


class Figure(Struct, frozen=True):
    """One figure from the day it holds, with the text that set it."""

    key: str
    value: Decimal
    valid_from: date
    source: str


class RouteRate(Struct, frozen=True):
    """Rates of one MA_DOITUONG_KCB in percent; None where the code does not exist in that setting."""

    code: str
    title: str
    inpatient: Decimal | None
    outpatient: Decimal | None
    fixed: bool  # Not multiplied by the card's rate.
    valid_from: date
    note: str


class CardLevel(Struct, frozen=True):
    """Benefit level of a card (mức hưởng), the third character of its number."""

    level: int
    rate: Decimal
    beyond_scope: bool
    title: str


class NoFigure(LookupError):
    """A figure, route or level is not in force on that day."""


class Parameters(Struct, frozen=True):
    """Everything the calculator looks up by date. Built by `shipped` or from the database."""

    figures: tuple[Figure, ...]
    routes: tuple[RouteRate, ...]
    levels: tuple[CardLevel, ...]

    def figure(self, key: Key, on: date) -> Decimal:
        """Return the figure in force on a day. Raises NoFigure."""
        rows = [row for row in self.figures if row.key == key and row.valid_from <= on]
        if not rows:
            raise NoFigure(f"{key} {on:%Y-%m-%d}")
        return max(rows, key=lambda row: row.valid_from).value

    def route(self, code: str, on: date) -> RouteRate:
        """Return the row of exactly this code ("3" is not "3.1"). Raises NoFigure."""
        rows = [row for row in self.routes if row.code == code and row.valid_from <= on]
        if not rows:
            raise NoFigure(f"{code} {on:%Y-%m-%d}")
        return max(rows, key=lambda row: row.valid_from)

    def level(self, level: int) -> CardLevel:
        """Return a card's benefit level. Raises NoFigure."""
        for row in self.levels:
            if row.level == level:
                return row
        raise NoFigure(f"{level}")

    def with_figures(self, rows: Iterable[Figure]) -> "Parameters":
        """Return the same parameters where these rows win over rows of the same key and day."""
        merged = {(row.key, row.valid_from): row for row in (*self.figures, *rows)}
        return Parameters(tuple(merged.values()), self.routes, self.levels)


@cache
def shipped() -> Parameters:
    """Read the rows that come with the program."""
    return Parameters(
        tuple(
            Figure(row["key"], Decimal(row["value"]), date.fromisoformat(row["valid_from"]), row["source"])
            for row in _rows("parameters.csv")
        ),
        tuple(_route(row) for row in _rows("routes.csv")),
        tuple(
            CardLevel(int(row["level"]), Decimal(row["rate"]), row["beyond_scope"] == "yes", row["title"])
            for row in _rows("card_levels.csv")
        ),
    )


def _route(row: dict[str, str]) -> RouteRate:
    return RouteRate(
        code=row["code"],
        title=row["title"],
        inpatient=_percent(row["inpatient"]),
        outpatient=_percent(row["outpatient"]),
        fixed=row["fixed"] == "yes",
        valid_from=date.fromisoformat(row["valid_from"]),
        note=row["note"],
    )


def _percent(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def _rows(name: str) -> list[dict[str, str]]:
    text = files("insurance.parameters").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
