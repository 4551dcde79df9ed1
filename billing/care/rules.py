"""The care of an episode, as far as money depends on it."""

from datetime import date

from msgspec import Struct

from insurance.api import Insured


class Care(Struct, frozen=True):
    """What of the care decides who pays: days, bed or not, and the card that was checked."""

    admitted_on: date
    discharged_on: date
    inpatient: bool = False
    insured: Insured | None = None
