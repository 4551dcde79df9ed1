from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.references.rules import (
    FIRST,
    LAST,
    find_references,
    is_reference,
    make_reference,
    repairable_references,
    scramble,
)

KEY = b"a key of the installation"


@pytest.mark.parametrize(
    ("serial", "reference"),
    [
        (100000001, "VP10000000146"),
        (123456789, "VP12345678978"),
        (100000777, "VP10000077746"),
        (204519338, "VP20451933864"),
        (100000096, "VP10000009652"),
        (999999999, "VP99999999996"),
    ],
)
def test_check_digits(serial: int, reference: str) -> None:
    assert make_reference(serial) == reference
    assert is_reference(reference)


@pytest.mark.parametrize("text", ["VP10000077764", "VP01000077746", "VP1000007774", "vp10000077746", ""])
def test_wrong_references(text: str) -> None:
    assert not is_reference(text)


@given(st.integers(FIRST, LAST), st.integers(2, 12), st.integers(1, 9))
def test_one_wrong_digit_is_caught(serial: int, place: int, shift: int) -> None:
    good = make_reference(serial)
    digit = str((int(good[place]) + shift) % 10)
    assert not is_reference(good[:place] + digit + good[place + 1 :])


@given(st.integers(FIRST, LAST), st.integers(2, 11))
def test_two_swapped_neighbours_are_caught(serial: int, place: int) -> None:
    good = make_reference(serial)
    swapped = good[:place] + good[place + 1] + good[place] + good[place + 2 :]
    assert swapped == good or not is_reference(swapped)


def test_serials_never_repeat_and_hide_their_order() -> None:
    serials = [scramble(count, KEY) for count in range(5_000)]
    assert len(set(serials)) == 5_000
    assert min(serials) >= FIRST
    assert max(serials) <= LAST
    assert sum(abs(b - a) < 1000 for a, b in pairwise(serials)) < 5


def test_other_keys_give_other_serials() -> None:
    assert scramble(1, KEY) != scramble(1, b"another")


@pytest.mark.parametrize(
    "content",
    [
        "MBVCB.123456.888888.VP10000077746.CT tu 0123 A toi 0456 B",
        "vp 1000 0077746 ck",
        "VP-10000077746-FT24123456789012",
        "CTDENVP100000777460901234567",
        "884114.100924.223854.Vp.1000.0077746",
        "VVP10000077746",
        "Nộp viện phí VP10000077746 VP10000077746",
    ],
)
def test_references_survive_the_banks(content: str) -> None:
    assert find_references(content) == ["VP10000077746"]


@pytest.mark.parametrize("content", ["VP10000077764", "chuyen tien mua iphone", "", "VP1000007774"])
def test_nothing_is_found_where_nothing_is(content: str) -> None:
    assert find_references(content) == []
    assert repairable_references(content) == []


def test_two_references_are_both_told() -> None:
    assert find_references("VP10000077746 va VP20451933864") == ["VP10000077746", "VP20451933864"]


def test_letters_typed_for_digits_are_offered_for_repair() -> None:
    assert find_references("VP1OOOOO77746") == []
    assert repairable_references("VP1OOOOO77746") == ["VP10000077746"]
    assert repairable_references("VP10000077746") == []
