"""The care of an episode, as far as money depends on it."""

from datetime import date
from decimal import Decimal
from typing import Protocol

from msgspec import Struct

from billing.settings import BillingSettings
from insurance.api import Card, Exemption, Insured


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
    @property
    def five_years_from(self) -> date | None: ...
    @property
    def copaid(self) -> int | None: ...
    @property
    def copaid_threshold(self) -> Decimal | None: ...


class RouteUnknown(LookupError):
    """Nobody said by which route the person came: the right-route benefit is never given unasked."""


def insured_by(check: CheckedCard, *, admitted_on: date, settings: BillingSettings) -> Insured:
    """Say in insurance's words what reception checked. What it left open takes the safe value of the settings.

    Raises RouteUnknown while the route is not chosen (mã đối tượng KCB) and the settings name none.
    """
    number = check.card_number.replace(" ", "").upper()
    printed = number[2] if len(number) == 15 and number[2] in "12345" else ""
    level = int(check.benefit_level or printed or settings.lowest_card_level)
    card = Card(number, level, check.valid_from or admitted_on, check.valid_to)
    route = check.route or settings.default_route_code
    if not route:
        raise RouteUnknown("chưa chọn «Đến khám theo»")
    return Insured(cards=(card,), route_code=route, exemption=_exemption(check, admitted_on))


def _exemption(check: CheckedCard, admitted_on: date) -> Exemption | None:
    """Return what the portal said of the year's co-payments; None when it was not asked (payments.md 6.4)."""
    if check.copaid is None or check.five_years_from is None:
        return None
    return Exemption(
        year=admitted_on.year,
        five_years_on=check.five_years_from,
        accumulated=Decimal(check.copaid),
        threshold=check.copaid_threshold,
    )
