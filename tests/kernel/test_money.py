import csv
from pathlib import Path

import msgspec
import pytest

from kernel.money import PositiveVnd, Vnd, format_number, format_vnd, parse_vnd, vnd_in_words

with (Path(__file__).parent / "data/vnd-words-vectors.csv").open(encoding="utf-8") as file:
    WORDS = [(int(row["amount_vnd"]), row["words"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(("amount", "words"), WORDS)
def test_amounts_are_spelled_as_invoices_want_them(amount: int, words: str) -> None:
    assert vnd_in_words(amount) == words


def test_dots_group_thousands() -> None:
    assert [parse_vnd(text) for text in ("500000", "500.000", "1.500.000 ", "0")] == [
        500_000,
        500_000,
        1_500_000,
        0,
    ]


@pytest.mark.parametrize(
    "text",
    ["", "1,500.000", "50.00", "1.5", "-5", "5e3", "500.0000", "5000.000", "5 000", "٥", "99999999999999"],
)
def test_other_ways_of_writing_an_amount_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_vnd(text)


def test_amounts_are_shown_with_dots() -> None:
    assert format_vnd(1_250_000) == "1.250.000 ₫"
    assert format_vnd(0) == "0 ₫"
    assert format_number(-1_500) == "-1.500"


@pytest.mark.parametrize(("kind", "value"), [(Vnd, -1), (Vnd, 10**13 + 1), (Vnd, 1.5), (PositiveVnd, 0)])
def test_commands_refuse_impossible_amounts(kind: type[int], value: float) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(value, kind)
