"""Verify codes: unguessable, readable aloud."""

import re

from kernel.paper.verify import new_code, verify_url


def test_codes_are_eighty_bits_of_an_unambiguous_alphabet_in_groups() -> None:
    codes = {new_code() for _ in range(2_000)}
    assert len(codes) == 2_000
    assert all(re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", code) for code in codes)


def test_the_address_has_one_slash() -> None:
    assert (
        verify_url("https://bv.example/", "K7QM-2X9D-4HTR-8WNC") == "https://bv.example/v/K7QM-2X9D-4HTR-8WNC"
    )
