"""Money: whole đồng, how a person types it and how paper prints it."""

import re
from typing import Annotated

from msgspec import Meta

Vnd = Annotated[int, Meta(ge=0, le=10**13, description="Whole đồng.")]
PositiveVnd = Annotated[int, Meta(ge=1, le=10**13)]

_TYPED = re.compile(r"[0-9]{1,3}(\.[0-9]{3})+|[0-9]+")
_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_LARGEST = 10**13


def parse_vnd(text: str) -> Vnd:
    """Read an amount a person typed, "500000" or "500.000". Raises ValueError on anything else."""
    typed = text.strip()
    if not _TYPED.fullmatch(typed):
        raise ValueError(text)
    amount = int(typed.replace(".", ""))
    if amount > _LARGEST:
        raise ValueError(text)
    return amount


def format_vnd(amount: int) -> str:
    """Show an amount as pages and paper do: "1.250.000 ₫"."""
    return f"{format_number(amount)} ₫"


def format_number(amount: int) -> str:
    """Group thousands with dots and show no currency: "1.250.000"."""
    return f"{amount:,}".replace(",", ".")


def vnd_in_words(amount: int) -> str:
    """Spell an amount for receipts and invoices: 735000 is "Bảy trăm ba mươi lăm nghìn đồng".

    "linh" is produced, never the southern "lẻ"; a group of zeros is silent.
    """
    words = _spell(abs(amount), leading=True) or ["không"]
    sentence = " ".join(["âm", *words, "đồng"] if amount < 0 else [*words, "đồng"])
    return sentence[0].upper() + sentence[1:]


def _spell(amount: int, *, leading: bool) -> list[str]:
    """Spell whole billions first: a billion of billions is "tỷ tỷ", a thousand of them "nghìn tỷ"."""
    billions, rest = divmod(amount, 10**9)
    words: list[str] = []
    if billions:
        words += [*_spell(billions, leading=leading), "tỷ"]
    for size, name in ((10**6, "triệu"), (10**3, "nghìn"), (1, "")):
        group, rest = divmod(rest, size)
        if group:
            words += _spell_group(group, leading=leading and not words)
            words += [name] if name else []
    return words


def _spell_group(group: int, *, leading: bool) -> list[str]:
    """Spell 1..999; hundreds are read even when zero unless this group leads the number."""
    hundreds, rest = divmod(group, 100)
    tens, units = divmod(rest, 10)
    words = [] if leading and not hundreds else [_DIGITS[hundreds], "trăm"]
    if tens == 0:
        linh = ["linh"] if words and units else []
        return words + linh + ([_DIGITS[units]] if units else [])
    words += ["mười"] if tens == 1 else [_DIGITS[tens], "mươi"]
    if units:
        special = {5: "lăm"} if tens == 1 else {1: "mốt", 4: "tư", 5: "lăm"}
        words.append(special.get(units, _DIGITS[units]))
    return words
