"""Books of the ledger and the entries made of them. Debit is above 0, credit below, in whole đồng."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct


class Book(StrEnum):
    CASH = "CASH"
    """Tiền mặt in the drawers."""
    BANK = "BANK"
    """Tiền gửi ngân hàng."""
    SUSPENSE = "SUSPENSE"
    """Tiền chưa rõ của ai: unmatched transfers."""
    PATIENT = "PATIENT"
    """Viện phí of one account: payments credit it, settlement debits what was owed."""
    FUND = "FUND"
    """Phải thu quỹ BHYT."""
    REVENUE = "REVENUE"
    """Doanh thu."""
    DEPOSIT = "DEPOSIT"
    """Tạm ứng held: a liability, not revenue."""
    EXCESS = "EXCESS"
    """Nộp thừa chờ hoàn, apart from tạm ứng."""


class EntryKind(StrEnum):
    PAYMENT = "PAYMENT"
    DEPOSIT = "DEPOSIT"
    UNMATCHED = "UNMATCHED"
    ATTACH = "ATTACH"
    SETTLE = "SETTLE"
    MOVE = "MOVE"
    REFUND = "REFUND"
    REVERSAL = "REVERSAL"


class Side(NamedTuple):
    """One side of an entry."""

    book: Book
    amount: int


def sides(*all_sides: tuple[Book, int]) -> tuple[Side, ...]:
    """Return the sides that are not 0. They must balance."""
    kept = tuple(Side(book, amount) for book, amount in all_sides if amount)
    assert sum(side.amount for side in kept) == 0, "an entry sums to zero"
    return kept


class BookTotal(Struct, frozen=True):
    """What one book of an account sums to, đồng."""

    book: str
    total: int


class Balances(Struct, frozen=True):
    """What the ledger says of one account, đồng."""

    paid: int = 0
    """Payments that reached the bill."""
    deposits: int = 0
    excess: int = 0
    recognised: int = 0
    """What earlier settlements took as owed by the patient."""
    recognised_fund: int = 0


def balances_of(totals: Mapping[str, int]) -> Balances:
    """Read the sums of an account's books."""
    fund = totals.get(Book.FUND, 0)
    recognised = -totals.get(Book.REVENUE, 0) - fund
    return Balances(
        paid=recognised - totals.get(Book.PATIENT, 0),
        deposits=-totals.get(Book.DEPOSIT, 0),
        excess=-totals.get(Book.EXCESS, 0),
        recognised=recognised,
        recognised_fund=fund,
    )
