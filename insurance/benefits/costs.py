"""What goes into the calculator."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from insurance.cards.rules import Card, Exemption

NO_CARD = "9"  # MA_DOITUONG_KCB: không KCB BHYT.
EMERGENCY = "2"


class Scope(StrEnum):
    """PHAM_VI of a line."""

    INSIDE = "1"
    OUTSIDE = "2"
    ARMED_FORCES = "3"  # Outside the list, yet paid for army, police and cipher cards (level 5).


class AidRule(StrEnum):
    """How money from another source (T_NGUONKHAC) is taken off a line."""

    PATIENT = "a"  # Given to the person: takes off their own cost, then the co-payment, then the fund's part.
    FACILITY = "b"  # Given through the hospital: comes off the whole first.
    PROGRAMME = "c"  # Pays exactly the co-payment (ARV and similar programmes).


class CostLine(Struct, frozen=True):
    """One line of cost (a charge). Ratios are percent; prices are đồng with up to three decimals."""

    id: UUID
    on: date  # The day of the service.
    quantity: Decimal
    price: Decimal  # DON_GIA_BV
    insured_price: Decimal = Decimal(0)  # DON_GIA_BH
    group: str = "19"  # MA_NHOM
    scope: Scope = Scope.INSIDE
    service_ratio: Decimal = Decimal(100)  # TYLE_TT_DV: repeated exams 100/30/10/0, shared beds 100/50/33…
    payment_ratio: Decimal = Decimal(100)  # TYLE_TT_BH
    ceiling: Decimal | None = None  # T_TRANTT: most the fund counts as the unit price.
    aid: Decimal = Decimal(0)  # T_NGUONKHAC
    aid_rule: AidRule = AidRule.PATIENT
    consent_id: UUID | None = None  # The patient's recorded consent to pay outside scope (NĐ 188 Điều 20).


class Insured(Struct, frozen=True):
    """What the fund is asked with: cards, route and exemption as known now."""

    cards: tuple[Card, ...]
    route_code: str  # MA_DOITUONG_KCB
    exemption: Exemption | None = None
    presented_on: date | None = None  # Card shown late: the fund pays from then on, emergencies excepted.


class EncounterCosts(Struct, frozen=True):
    """The whole đợt khám chữa bệnh. `insured` is None for a person who comes without a card."""

    admitted_on: date
    discharged_on: date
    inpatient: bool
    lines: tuple[CostLine, ...]
    insured: Insured | None = None
    deposits: int = 0  # Tạm ứng held, whole đồng.


class BadCosts(ValueError):
    """The figures cannot be a bill: negative, or the fund's price above the hospital's."""
