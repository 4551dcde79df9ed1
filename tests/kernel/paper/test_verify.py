"""Verify codes: unguessable, readable aloud, forgiving when typed."""

import re

from kernel.paper.verify import new_code, read_code, shown_code, verify_url


def test_codes_are_sixty_bits_of_an_unambiguous_alphabet() -> None:
    codes = {new_code() for _ in range(2_000)}
    assert len(codes) == 2_000
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{12}", code) for code in codes)


def test_a_printed_code_is_read_back_in_any_case_and_with_look_alikes() -> None:
    assert shown_code("K70M12XR9TAB") == "K70M-12XR-9TAB"
    assert read_code(" k7om-l2xr-9tab ") == "K70M12XR9TAB"


def test_the_address_has_one_slash() -> None:
    assert verify_url("https://bv.example/", "K70M12XR9TAB") == "https://bv.example/v/K70M12XR9TAB"
