"""Kinds, symbols, states and relations of an invoice (NĐ 254/2026/NĐ-CP, TT 91/2026/TT-BTC, format 2.1.0)."""

import re
from datetime import date
from enum import IntEnum, StrEnum

LEGAL_BASIS = "NĐ 254/2026/NĐ-CP; TT 91/2026/TT-BTC"
FORMAT_VERSION = "2.1.0"
LARGEST_NUMBER = 99_999_999
SYMBOL = re.compile(r"[CK]\d{2}[TDLMNBGHXF][A-Z]{2}")

_MST = re.compile(r"\d{10}(-\d{3})?|\d{12}")
_MST_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)


class Kind(IntEnum):
    """KHMSHDon: what a hospital issues for its services."""

    VAT = 1  # Hoá đơn giá trị gia tăng; clinic fees are lines at KCT.
    SALES = 2  # Hoá đơn bán hàng, for a facility on the direct method.


class Mode(StrEnum):
    """How invoices of a series reach the tax authority."""

    CQT_CODE = "cqt_code"  # With a code of the tax authority.
    NO_CODE = "no_code"


class Policy(StrEnum):
    """Which receipts get an invoice of their own."""

    DAILY_AGGREGATE = "daily_aggregate"  # One for all who did not ask, at the end of the day.
    EACH_PAYMENT = "each_payment"


class State(StrEnum):
    """Where an invoice is on its way (trạng thái hoá đơn)."""

    CREATED = "created"
    SIGNED = "signed"
    SENT = "sent"
    CODED = "coded"
    DELIVERED = "delivered"


# There is no cancellation (TT 91/2026/TT-BTC Điều 10). A content the provider refused is mended under its own number.
NEXT: dict[State, frozenset[State]] = {
    State.CREATED: frozenset({State.SIGNED}),
    State.SIGNED: frozenset({State.SENT, State.CODED, State.CREATED}),
    State.SENT: frozenset({State.CODED, State.CREATED}),
    State.CODED: frozenset({State.DELIVERED}),
    State.DELIVERED: frozenset(),
}
STATE_WORDS = {
    State.CREATED: "Chờ ký",
    State.SIGNED: "Đã ký, chờ gửi",
    State.SENT: "Đã gửi, chờ mã",
    State.CODED: "Đã có mã",
    State.DELIVERED: "Đã giao",
}


class ForbiddenMove(ValueError):
    """The state machine has no such step."""


def move(now: State, to: State) -> State:
    """Return the next state. Raises ForbiddenMove."""
    if to not in NEXT[now]:
        raise ForbiddenMove(f"{now} → {to}")
    return to


class Relation(StrEnum):
    """How an invoice speaks of an earlier one."""

    ADJUSTS = "adjusts"
    REPLACES = "replaces"


class BadSymbol(ValueError):
    """Not a KHHDon."""


def symbol_of(mode: Mode, year: int, *, letter: str = "T", suffix: str = "YY") -> str:
    """Return KHHDon, for example C26TYY: mode, year, type letter, two letters of the seller. Raises BadSymbol."""
    symbol = f"{'C' if mode is Mode.CQT_CODE else 'K'}{year % 100:02d}{letter}{suffix}"
    if not SYMBOL.fullmatch(symbol):
        raise BadSymbol(symbol)
    return symbol


def printed_number(number: int) -> str:
    """Pad a number to 8 digits as paper shows it; the XML does not pad."""
    return f"{number:08d}"


def tax_code_fits(code: str) -> bool:
    """Tell whether a tax code (MST) is well formed; a wrong one is a warning, never a refusal."""
    if not _MST.fullmatch(code):
        return False
    if len(code) == 12:
        return True  # The personal number stands in for the MST of a person.
    total = sum(int(digit) * weight for digit, weight in zip(code, _MST_WEIGHTS, strict=False))
    return (10 - total % 11) % 10 == int(code[9]) and 10 - total % 11 <= 9


def relation_text(relation: Relation, *, kind: Kind, symbol: str, number: int, issued_on: date) -> str:
    """Word the reference to the earlier invoice as the official forms do."""
    verb = "Điều chỉnh" if relation is Relation.ADJUSTS else "Thay thế"
    return (
        f"{verb} cho hóa đơn Mẫu số {kind:d} ký hiệu {symbol} số {number} {issued_on:ngày %d tháng %m năm %Y}"
    )


class Mistake(StrEnum):
    """What is wrong on an issued invoice."""

    BUYER_NAME_OR_ADDRESS = "buyer_name_or_address"
    TAX_CODE = "tax_code"
    MONEY_OR_GOODS = "money_or_goods"
    REFUND = "refund"


class Correction(StrEnum):
    """What the law lets us do about it."""

    NOTICE = "notice"  # 04/SS-HĐĐT, no new invoice.
    ADJUST = "adjust"
    REPLACE = "replace"


def corrections(
    mistake: Mistake, *, first_method: Correction | None, cash_register: bool = False
) -> frozenset[Correction]:
    """Return the ways to correct an issued invoice; cancelling is none of them (TT 91/2026/TT-BTC Điều 10).

    The method chosen the first time is kept when the invoice is wrong again.
    """
    if cash_register:
        return frozenset({Correction.REPLACE})
    if mistake is Mistake.BUYER_NAME_OR_ADDRESS:
        return frozenset({Correction.NOTICE})
    if mistake is Mistake.REFUND:
        return frozenset({Correction.ADJUST})
    if first_method in (Correction.ADJUST, Correction.REPLACE):
        return frozenset({first_method})
    return frozenset({Correction.ADJUST, Correction.REPLACE})
