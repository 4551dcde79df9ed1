"""Vietnamese text: one normal form, search keys, name order, phone numbers, masks.

Names are family – middle – given and are never split in the database; only keys derived from them are stored.
"""

import re
import unicodedata
from functools import cache
from typing import NamedTuple

_TONES = {"\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}
_SHAPES = {"\u0306": 1, "\u0302": 2, "\u031b": 3}  # ă, then â ê ô, then ơ ư: the order of the alphabet.
_MOBILE = re.compile(r"0[35789]\d{8}")
_LANDLINE = re.compile(r"02\d{9}")
_HOTLINE = re.compile(r"1[89]00\d{4,6}")
_WORD = re.compile(r"[^\W_]+")


class Name(NamedTuple):
    family: str
    middle: str
    given: str


def nfc(text: str) -> str:
    """Return the composed form (NFC); macOS and some kiosks send the decomposed one."""
    return unicodedata.normalize("NFC", text)


def clean_line(text: str) -> str:
    """Return one line as it is stored: NFC, single spaces. Raises ValueError on control characters."""
    line = " ".join(nfc(text).split())
    _refuse_control_characters(line)
    return line


def clean_text(text: str) -> str:
    """Return a text of several lines as it is stored. Raises ValueError on control characters."""
    lines = nfc(text).replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ").replace("\t", " ")
    clean = "\n".join(line.rstrip() for line in lines.split("\n")).strip("\n")
    _refuse_control_characters(clean.replace("\n", ""))
    return clean


def _refuse_control_characters(text: str) -> None:
    if any(unicodedata.category(letter) in ("Cc", "Cs") or letter == "\ufffd" for letter in text):
        raise ValueError("control character")


def strip_marks(text: str) -> str:
    """Drop tones and letter marks and keep the case; đ becomes d, which NFD alone does not do."""
    plain = nfc(text).replace("đ", "d").replace("Đ", "D")
    parts = unicodedata.normalize("NFD", plain)
    return unicodedata.normalize("NFC", parts.translate(_marks()))


@cache
def _marks() -> dict[int, None]:
    """Every mark of Unicode that takes no room, for str.translate; the blocks between these hold none."""
    codes = (*range(0x20000), *range(0xE0000, 0xE0200))
    return dict.fromkeys(code for code in codes if unicodedata.category(chr(code)) == "Mn")


def fold(text: str) -> str:
    """Return the search key: no marks, lower case, letters and digits parted by single spaces."""
    return " ".join(_WORD.findall(strip_marks(text).casefold()))


def initials(text: str) -> str:
    """Return the folded first letters, "nva" for "Nguyễn Văn An"."""
    return "".join(word[0] for word in fold(text).split())


def split_name(full_name: str) -> Name:
    """Split into family, middle and given name; a single word is the given name."""
    words = nfc(full_name).split()
    if len(words) < 2:
        return Name("", "", words[0] if words else "")
    return Name(words[0], " ".join(words[1:-1]), words[-1])


def sort_key(text: str) -> str:
    """Return a key that sorts as the Vietnamese alphabet does, in Python and in a COLLATE "C" column.

    Word by word; letters decide first (a ă â … d đ …), tones only between equal letters. Both ways of
    placing a tone (hoà, hòa) give the same key.
    """
    return "".join(_word_key(word) for word in nfc(text).casefold().split())


def name_sort_key(full_name: str) -> str:
    """Return the key of a person: given name first, then the rest from the left."""
    words = nfc(full_name).split()
    return sort_key(" ".join([*words[-1:], *words[:-1]]))


def _word_key(word: str) -> str:
    letters, tones = [], []
    for letter in word:
        base, *marks = list(unicodedata.normalize("NFD", letter))
        shape = 1 if base == "đ" else max((_SHAPES.get(mark, 0) for mark in marks), default=0)
        letters.append(f"{'d' if base == 'đ' else base}{shape}")
        tones += [str(_TONES[mark]) for mark in marks if mark in _TONES]
    return f"{''.join(letters)}!{''.join(tones) or '0'} "


def ascii_upper(text: str) -> str:
    """Return printable ASCII in capitals: "chuyển khoản" is "CHUYEN KHOAN"; other letters vanish."""
    plain = strip_marks(text).upper()
    return " ".join("".join(c for c in plain if " " <= c <= "~" or c.isspace()).split())


def bank_content(text: str, *, limit: int = 19) -> str:
    """Return text a bank carries unchanged: A–Z, 0–9 and single spaces, at most `limit` characters."""
    plain = "".join(c if c.isalnum() else " " for c in ascii_upper(text))
    return " ".join(plain.split())[:limit].rstrip()


def mask_name(full_name: str) -> str:
    """Return the one public form of a name: "NGUYỄN T** T** H*" for Nguyễn Thị Thu Hà.

    The family name stays, of other words the first letter; a name of one word shows its first letter only.
    """
    words = nfc(full_name).upper().split()
    shown = words[:1] if len(words) > 1 else []
    return " ".join(shown + [word[0] + "*" * max(1, len(word) - 1) for word in words[len(shown) :]])


def normalise_phone(text: str) -> str:
    """Return E.164, "+84912345678". Raises ValueError if it is no Vietnamese number."""
    if not re.fullmatch(r"\+?[0-9\s().\-\u00a0]+", text.strip()):
        raise ValueError(text)
    digits = re.sub(r"\D", "", text)
    if text.strip().startswith("+") and not digits.startswith("84"):
        raise ValueError(text)
    digits = digits.removeprefix("00") if digits.startswith("0084") else digits
    national = "0" + digits[2:] if digits.startswith("84") and len(digits) in (11, 12) else digits
    if _HOTLINE.fullmatch(hotline := digits.removeprefix("84")):
        return f"+84{hotline}"
    if _MOBILE.fullmatch(national) or _LANDLINE.fullmatch(national):
        return f"+84{national[1:]}"
    raise ValueError(text)


def is_mobile(e164: str) -> bool:
    """Tell whether a normal phone number can receive a text message."""
    return bool(_MOBILE.fullmatch("0" + e164.removeprefix("+84")))


def format_phone(e164: str) -> str:
    """Show a normal phone number as people write it: "0901 234 567", "024 3822 3344"."""
    national = "0" + e164.removeprefix("+84")
    if _MOBILE.fullmatch(national):
        return f"{national[:4]} {national[4:7]} {national[7:]}"
    if _LANDLINE.fullmatch(national):
        area = 3 if national[:3] in ("024", "028") else 4
        return f"{national[:area]} {national[area:-4]} {national[-4:]}"
    return national.removeprefix("0")


def mask_phone(e164: str) -> str:
    """Return a phone number of which only the end is shown: "******567"."""
    return "*" * 6 + e164[-3:]
