"""What an invoice says, before it is XML."""

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from billing.invoices.rules import Kind, Relation

NOT_TAXED = "KCT"
CONSUMER = "Bán cho người tiêu dùng"
_PERCENT = {"0%": 0, "5%": 5, "8%": 8, "10%": 10}


class BuyerKind(StrEnum):
    PERSON = "person"
    ORGANISATION = "organisation"
    CONSUMER = "consumer"  # Nobody asked: "Bán cho người tiêu dùng".


class Buyer(Struct, frozen=True, forbid_unknown_fields=True):
    """Who the invoice is made out to (NMua). Personal numbers only when the buyer asks for them to be printed."""

    kind: BuyerKind = BuyerKind.CONSUMER
    name: Annotated[str, Meta(max_length=400)] = ""
    tax_code: Annotated[str, Meta(max_length=14)] = ""
    budget_code: Annotated[str, Meta(max_length=7)] = ""  # MDVQHNSach
    address: Annotated[str, Meta(max_length=400)] = ""
    customer_code: Annotated[str, Meta(max_length=50)] = ""  # Our patient code.
    citizen_id: Annotated[str, Meta(max_length=12)] = ""
    passport: Annotated[str, Meta(max_length=20)] = ""
    phone: Annotated[str, Meta(max_length=20)] = ""
    email: Annotated[str, Meta(max_length=50)] = ""


class Seller(Struct, frozen=True):
    """The facility (NBan)."""

    name: str
    tax_code: str
    address: str
    phone: str = ""


class Line(Struct, frozen=True):
    """One line (HHDVu). `amount` is before tax, whole đồng, negative on an adjustment that lowers."""

    name: Annotated[str, Meta(max_length=500)]
    amount: int
    code: Annotated[str, Meta(max_length=50)] = ""
    unit: Annotated[str, Meta(max_length=50)] = "Lần"
    quantity: Decimal = Decimal(1)
    price: Decimal | None = None  # None: the amount.
    tax_rate: str = NOT_TAXED

    @property
    def unit_price(self) -> Decimal:
        return Decimal(self.amount) if self.price is None else self.price


class Reference(Struct, frozen=True):
    """One of our own numbers for TTKhac; never a diagnosis."""

    name: str
    value: Annotated[str, Meta(max_length=500)]
    kind: str = "string"


class Related(Struct, frozen=True):
    """The earlier invoice that this one adjusts or replaces (TTHDLQuan)."""

    relation: Relation
    kind: Kind
    symbol: str
    number: int
    issued_on: date
    note: Annotated[str, Meta(max_length=255)] = ""


class Content(Struct, frozen=True):
    """Everything that is signed, except number and date, which the series gives."""

    kind: Kind
    seller: Seller
    buyer: Buyer
    lines: tuple[Line, ...]
    payment_method: str = "Tiền mặt/Chuyển khoản"
    references: tuple[Reference, ...] = ()
    provider_tax_code: str = ""  # MSTTCGP
    list_no: str = ""  # SBKe
    list_date: date | None = None
    related: Related | None = None


class Numbered(Struct, frozen=True):
    """A content with its place in the series."""

    content: Content
    symbol: str
    number: int
    issued_on: date


class TaxRow(Struct, frozen=True):
    """Sum of one tax rate (LTSuat)."""

    rate: str
    amount: int
    tax: int


class Totals(Struct, frozen=True):
    """TToan in whole đồng."""

    rows: tuple[TaxRow, ...]
    before_tax: int
    tax: int
    total: int


class WrongFigures(ValueError):
    """The arithmetic does not hold; the text names the line."""


def totals_of(content: Content) -> Totals:
    """Add the lines up by tax rate, in the order the rates appear. Raises WrongFigures for an unknown rate."""
    sums: dict[str, int] = {}
    for line in content.lines:
        sums[line.tax_rate] = sums.get(line.tax_rate, 0) + line.amount
    rows = tuple(TaxRow(rate, amount, _tax(amount, rate)) for rate, amount in sums.items())
    before, tax = sum(row.amount for row in rows), sum(row.tax for row in rows)
    return Totals(rows, before, tax, before + tax)


def check_figures(content: Content) -> Totals:
    """Check what the provider will check (quantity × price within 1 đồng). Raises WrongFigures."""
    if not content.lines:
        raise WrongFigures("Hoá đơn không có dòng nào.")
    for number, line in enumerate(content.lines, start=1):
        if abs(line.quantity * line.unit_price - line.amount) >= 1:
            raise WrongFigures(f"Dòng {number}: số lượng × đơn giá khác thành tiền.")
        if content.kind is Kind.SALES and line.tax_rate != NOT_TAXED:
            raise WrongFigures(f"Dòng {number}: hoá đơn bán hàng không có thuế suất.")
    totals = totals_of(content)
    if content.related is None and totals.total <= 0:
        raise WrongFigures("Hoá đơn gốc phải lớn hơn 0 đồng.")
    return totals


def local_seconds(moment: datetime) -> str:
    """Write a local moment as the format wants it: no offset."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def _tax(amount: int, rate: str) -> int:
    if rate in (NOT_TAXED, "KKKNT"):
        return 0
    if rate not in _PERCENT:
        raise WrongFigures(f"Thuế suất {rate} không có trong định dạng.")
    return int((Decimal(amount) * _PERCENT[rate] / 100).quantize(Decimal(1), ROUND_HALF_UP))
