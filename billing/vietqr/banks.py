"""The banks a VietQR code may name (data/vietqr-banks.csv, sources beside it)."""

import csv
from functools import cache
from importlib.resources import files

from msgspec import Struct


class Bank(Struct, frozen=True):
    """A bank by its acquirer code (BIN), which is data: banks rename and merge."""

    bin: str
    short_name: str
    code: str
    name: str


@cache
def banks() -> dict[str, Bank]:
    """Return every known bank by its BIN."""
    text = files(__package__).joinpath("data/vietqr-banks.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["bin"]: Bank(row["bin"], row["short_name"], row["code"], row["name_vi"]) for row in rows}


def bank_name(bin_: str) -> str:
    """Return the short name people know a bank by, or its BIN if the list lacks it."""
    bank = banks().get(bin_)
    return bank.short_name if bank else bin_


def grouped_account(number: str) -> str:
    """Return an account number in groups people can compare: "1012 345 678". Letters stay as they are."""
    if not number.isdigit():
        return number
    first = len(number) % 3 + (3 if len(number) % 3 == 1 and len(number) > 3 else 0)
    rest = [number[at : at + 3] for at in range(first, len(number), 3)]
    return " ".join([number[:first], *rest] if first else rest)
