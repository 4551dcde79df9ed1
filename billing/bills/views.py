"""What a bill shows."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from billing.prices.rules import PriceKind
from kernel.clock import Instant
from kernel.money import PositiveVnd, Vnd


class BillLine(Struct, frozen=True):
    """One charge (chi phí) with its shares. Shares are đồng with two places, as QĐ 697/QĐ-BYT prints them."""

    charge_id: UUID
    order_id: UUID
    service_code: str
    service_name: str
    group: str
    """Mã nhóm chi phí (MA_NHOM) of the service."""
    quantity: PositiveVnd
    unit_price: Vnd
    insured_price: Vnd
    """Giá BHYT the fund counts; 0 outside its scope."""
    amount: Vnd
    """Thành tiền."""
    price_kind: PriceKind
    in_scope: bool
    on_demand: bool
    placed_at: Instant
    service_day: date
    rate: Decimal
    """MUC_HUONG, percent."""
    fund: Decimal
    copay: Decimal
    outside: Decimal
    paid: bool
    """A payment request that covers it was paid."""


class AccountState(StrEnum):
    """An account (one per đợt khám chữa bệnh): open while something may be added, settled when nothing is owed."""

    OPEN = "OPEN"
    SETTLED = "SETTLED"


class BillView(Struct, frozen=True):
    """Bảng kê 01/KBCB in figures. total = fund + payable (aid and rounding go to the fund's side)."""

    account_id: UUID
    episode_id: UUID
    patient_id: UUID
    state: AccountState
    lines: tuple[BillLine, ...]
    total: Vnd
    in_scope: Decimal
    fund: Decimal
    copay: Decimal
    outside: Decimal
    rounding: Decimal
    payable: Vnd
    """What the patient owes for everything, whole đồng."""
    paid: Vnd
    """Payments posted to the bill."""
    deposits: Vnd
    """Tạm ứng held."""
    excess: Vnd
    """Nộp thừa chờ hoàn, apart from tạm ứng."""
    remaining: Vnd
    """Still to collect: payable − paid − deposits, never below 0."""
    to_refund: Vnd
    """Tạm ứng and payments above what is owed."""
    rate: Decimal | None
    small_cost: bool
    exempt: bool
    opened_at: Instant
    ended_at: Instant | None
    settled_at: Instant | None
    price_missing: tuple[str, ...] = ()
    """Codes of services charged at 0 since no price was in force: a work list for the accountant."""
