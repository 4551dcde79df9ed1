"""Payment references that survive a bank statement: VP, nine digits, two check digits (MOD 97-10)."""

import hashlib
import re
import unicodedata

FIRST, LAST = 100_000_000, 999_999_999
_SPAN = LAST - FIRST + 1
_WINDOW = re.compile(r"(?=VP([A-Z0-9]{11}))")
_LOOKALIKE = str.maketrans("OILSBZ", "011582")


def make_reference(serial: int) -> str:
    """Return the reference of a nine-digit serial."""
    if not FIRST <= serial <= LAST:
        raise ValueError(serial)
    return f"VP{serial}{98 - serial * 100 % 97:02d}"


def is_reference(text: str) -> bool:
    """Say whether the text is a reference whose check digits hold."""
    return bool(re.fullmatch(r"VP[1-9][0-9]{10}", text)) and int(text[2:]) % 97 == 1


def scramble(count: int, key: bytes) -> int:
    """Map 0, 1, 2 … to nine-digit serials one to one, so that neither volume nor neighbours can be guessed.

    A four-round Feistel network over 30 bits, walked until it lands in the range.
    """
    if not 0 <= count < _SPAN:
        raise ValueError(count)
    value = count
    while True:
        left, right = value >> 15, value & 0x7FFF
        for turn in range(4):
            digest = hashlib.blake2b(bytes((turn,)) + right.to_bytes(2), key=key, digest_size=2).digest()
            left, right = right, left ^ (int.from_bytes(digest) & 0x7FFF)
        value = left << 15 | right
        if value < _SPAN:
            return FIRST + value


def squash(content: str) -> str:
    """Return a transfer content without tones, case, punctuation and spaces."""
    plain = unicodedata.normalize("NFD", content).upper()
    return re.sub(r"[^A-Z0-9]", "", plain)


def find_references(content: str) -> list[str]:
    """Return the distinct valid references in a transfer content, in order, however the banks glued it."""
    windows = ("VP" + window for window in _WINDOW.findall(squash(content)))
    return list(dict.fromkeys(w for w in windows if is_reference(w)))


def repairable_references(content: str) -> list[str]:
    """Return references that hold only after O, I, L, S, B and Z are read as digits.

    Accept one only if it exists and its amount is equal.
    """
    windows = ("VP" + window.translate(_LOOKALIKE) for window in _WINDOW.findall(squash(content)))
    exact = set(find_references(content))
    return [w for w in dict.fromkeys(windows) if is_reference(w) and w not in exact]
