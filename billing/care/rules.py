"""The care of an episode, as far as money depends on it."""

from datetime import date
from typing import Protocol

from msgspec import Struct

from billing.settings import BillingSettings
from insurance.api import Card, Insured


class Care(Struct, frozen=True):
    """What of the care decides who pays: days, bed or not, and the card that was checked."""

    admitted_on: date
    discharged_on: date
    inpatient: bool = False
    insured: Insured | None = None


class Person(Struct, frozen=True):
    """Whose bill it is, as the banner of a money page shows them."""

    name: str
    code: str
    birth_date: date
    birth: str
    """As written: a day, or a year where only that is known."""
    sex: str
    allergies: str = ""


class CheckedCard(Protocol):
    """A card check of emr, as far as the bill reads it."""

    @property
    def card_number(self) -> str: ...
    @property
    def valid_from(self) -> date | None: ...
    @property
    def valid_to(self) -> date | None: ...
    @property
    def benefit_level(self) -> str: ...
    @property
    def route(self) -> str: ...


def insured_by(check: CheckedCard, *, admitted_on: date, settings: BillingSettings) -> Insured:
    """Say in insurance's words what reception checked. What it left open takes the safe value of the settings."""
    number = check.card_number.replace(" ", "").upper()
    printed = number[2] if len(number) == 15 and number[2] in "12345" else ""
    level = int(check.benefit_level or printed or settings.lowest_card_level)
    card = Card(number, level, check.valid_from or admitted_on, check.valid_to)
    return Insured(cards=(card,), route_code=check.route or settings.default_route_code)
