"""A card (thẻ BHYT) and its exemption, as pure data."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

CARD_NUMBER = re.compile(r"[A-Z]{2}[1-5]\d{2}[A-Z0-9]{10}")


class BadCardNumber(ValueError):
    """Not a 15-character card number."""


class CardNumber(Struct, frozen=True):
    """The parts of a 15-character card number."""

    text: str
    object_code: str  # Mã đối tượng: DN, HT, TE…
    level: int
    province: str
    social_insurance_no: str


def parse_card_number(text: str) -> CardNumber:
    """Split a card number. Raises BadCardNumber."""
    squashed = re.sub(r"[\s-]", "", text).upper()
    if not CARD_NUMBER.fullmatch(squashed):
        raise BadCardNumber(
            "Số thẻ BHYT phải có 15 ký tự: 2 chữ, 1 số mức hưởng 1-5, 2 số tỉnh, 10 ký tự mã BHXH."
        )
    return CardNumber(squashed, squashed[:2], int(squashed[2]), squashed[3:5], squashed[5:])


class Card(Struct, frozen=True):
    """One card with the days it covers."""

    number: str
    level: Annotated[int, Meta(ge=1, le=5)]
    valid_from: date
    valid_to: date | None = None

    def covers(self, on: date, *, admitted_on: date, grace_days: int) -> bool:
        """Tell whether the card pays on a day.

        A card that expires during a stay pays until discharge, at most `grace_days` after its last day
        (NĐ 188/2025/NĐ-CP Điều 50 khoản 4).
        """
        if on < self.valid_from:
            return False
        if self.valid_to is None or on <= self.valid_to:
            return True
        return admitted_on <= self.valid_to and (on - self.valid_to).days <= grace_days


class Exemption(Struct, frozen=True):
    """What the portal said about the co-payments of one calendar year (miễn cùng chi trả).

    The threshold applied is stored with the lookup and never computed again.
    """

    year: int
    five_years_on: date | None  # The day five consecutive years were reached.
    accumulated: Decimal  # Co-payments of the year so far, in đồng.
    accumulated_before_change: Decimal = Decimal(0)  # Part of it before the base salary changed in the year.
    threshold: Decimal | None = None
