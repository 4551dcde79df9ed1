import json
import random
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import text

VECTORS = json.loads((Path(__file__).parent / "data/vn-text-vectors.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", VECTORS["search_key"], ids=lambda case: case["out"])
def test_the_search_key_has_no_marks(case: dict[str, str]) -> None:
    assert text.fold(case["in"]) == case["out"]


def test_decomposed_letters_are_composed() -> None:
    for case in VECTORS["nfc"]:
        assert text.nfc(case["in_nfd"]) == case["out_nfc"]
    assert text.fold("Nguye\u0302\u0303n") == "nguyen"


def test_people_sort_by_given_name_in_the_vietnamese_alphabet() -> None:
    wanted = VECTORS["name_sort_by_given"]
    mixed = random.Random(7).sample(wanted, len(wanted))
    found = sorted(mixed, key=text.name_sort_key)
    assert [text.name_sort_key(name) for name in found] == [text.name_sort_key(name) for name in wanted]
    assert text.name_sort_key("Vũ Hoà") == text.name_sort_key("Vũ Hòa")


def test_letters_sort_as_the_alphabet_says() -> None:
    for row in ("aăâbcdđeêfghijklmnoôơpqrstuưvwxyz", "aàảãáạ", "oòỏõóọôồổỗốộơờởỡớợ"):
        keys = [text.sort_key(letter) for letter in row]
        assert keys == sorted(set(keys))
    assert text.sort_key("an ninh") < text.sort_key("anh")


@pytest.mark.parametrize("case", VECTORS["phone"], ids=lambda case: case["in"])
def test_phone_numbers_have_one_form(case: dict[str, str]) -> None:
    if case["valid"]:
        assert text.normalise_phone(case["in"]) == case["e164"]
        assert text.normalise_phone(case["e164"]) == case["e164"]
    else:
        with pytest.raises(ValueError):
            text.normalise_phone(case["in"])


@pytest.mark.parametrize("bad", ["", "không có", "+1 202 555 0100", "09123456789", "0912345678x", "84", "+"])
def test_what_is_no_vietnamese_number_is_refused(bad: str) -> None:
    with pytest.raises(ValueError):
        text.normalise_phone(bad)


@pytest.mark.parametrize(
    ("e164", "shown", "mobile"),
    [
        ("+84901234567", "0901 234 567", True),
        ("+842438223344", "024 3822 3344", False),
        ("+842513822334", "0251 382 2334", False),
        ("+8419001234", "19001234", False),
    ],
)
def test_phone_numbers_are_shown_as_people_write_them(e164: str, shown: str, mobile: bool) -> None:
    assert (text.format_phone(e164), text.is_mobile(e164)) == (shown, mobile)
    assert text.normalise_phone(shown) == e164
    assert text.mask_phone("+84901234567") == "******567"


@pytest.mark.parametrize(
    ("name", "mask"),
    [
        ("Nguyễn Thị Thu Hà", "NGUYỄN T** T** H*"),
        ("Bùi Thị Ý", "BÙI T** Ý*"),
        ("Hà", "H*"),
        ("Nguye\u0302\u0303n Va\u0306n An", "NGUYỄN V** A*"),
        ("", ""),
    ],
)
def test_a_public_screen_shows_a_masked_name(name: str, mask: str) -> None:
    assert text.mask_name(name) == mask


def test_a_name_splits_into_family_middle_and_given() -> None:
    assert text.split_name("Nguyễn Thị Thu Hà") == ("Nguyễn", "Thị Thu", "Hà")
    assert text.split_name("Vũ Hòa") == ("Vũ", "", "Hòa")
    assert text.split_name("Y") == ("", "", "Y")
    assert text.split_name(" ") == ("", "", "")
    assert text.initials("Nguyễn Văn Ân") == "nva"


def test_bank_text_is_plain_capitals() -> None:
    assert text.ascii_upper("ậậậậ chuyển khoản – đủ-đầy") == "AAAA CHUYEN KHOAN DU-DAY"
    assert text.bank_content("VP10000000146 Đặng Văn (Bé)") == "VP10000000146 DANG"
    assert text.bank_content("a_b/c") == "A B C"


def test_stored_text_has_one_form_and_no_control_characters() -> None:
    assert text.clean_line(" Nguyễn\u00a0Văn \t An ") == "Nguyễn Văn An"
    assert text.clean_text("một \r\nhai\u00a0ba\n\n") == "một\nhai ba"
    for bad in ("a\x00b", "a\x1bb", "H\ufffdà"):
        with pytest.raises(ValueError):
            text.clean_line(bad)
        with pytest.raises(ValueError):
            text.clean_text(bad)


@given(st.text())
def test_folding_twice_changes_nothing(anything: str) -> None:
    assert text.fold(text.fold(anything)) == text.fold(anything)


def test_no_mark_of_unicode_is_left_in_a_search_key() -> None:
    marks = "".join(c for code in range(sys.maxunicode + 1) if unicodedata.category(c := chr(code)) == "Mn")
    assert text.fold(f"a{marks}b_c") == "ab c"
