"""Compute a bill from its charges, the care given and the ledger. Shares are recomputed whole on every change."""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from msgspec import Struct

from billing.bills.views import AccountState, BillLine, BillView
from billing.care.rules import Care
from billing.ledger.rules import Balances
from billing.prices.rules import PriceKind
from insurance.api import CostLine, EncounterCosts, Scope, SettledLine, settle
from kernel.clock import Instant


class ChargeFacts(Struct, frozen=True, kw_only=True):
    """A charge as the bill needs it."""

    id: UUID
    order_id: UUID
    service_code: str
    service_name: str
    group: str
    quantity: int
    unit_price: int
    insured_price: int
    kind: PriceKind
    in_scope: bool
    on_demand: bool
    price_missing: bool
    service_day: date
    placed_at: Instant
    released: bool


class AccountFacts(Struct, frozen=True, kw_only=True):
    """An account as the bill needs it."""

    id: UUID
    episode_id: UUID
    patient_id: UUID
    opened_at: Instant
    ended_at: Instant | None


def _costs(charges: Sequence[ChargeFacts], care: Care) -> EncounterCosts:
    lines = tuple(
        CostLine(
            id=charge.id,
            on=charge.service_day,
            quantity=Decimal(charge.quantity),
            price=Decimal(charge.unit_price),
            insured_price=Decimal(charge.insured_price),
            group=charge.group,
            scope=Scope.INSIDE if charge.insured_price else Scope.OUTSIDE,
        )
        for charge in charges
    )
    return EncounterCosts(care.admitted_on, care.discharged_on, care.inpatient, lines, care.insured)


def make_bill(account: AccountFacts, charges: Sequence[ChargeFacts], care: Care, money: Balances) -> BillView:
    """Return the bill as it stands. Raises what insurance.settle raises."""
    shared = settle(_costs(charges, care))
    remaining = max(0, shared.payable - money.paid - money.deposits)
    lines = tuple(_line(charge, share) for charge, share in zip(charges, shared.lines, strict=True))
    total = sum(line.amount for line in lines)
    assert total == shared.total, "the calculator and the charges agree"
    return BillView(
        account_id=account.id,
        episode_id=account.episode_id,
        patient_id=account.patient_id,
        state=AccountState.OPEN,
        lines=lines,
        total=total,
        in_scope=shared.in_scope,
        fund=shared.fund,
        copay=shared.copay,
        outside=shared.outside,
        rounding=shared.rounding,
        payable=shared.payable,
        paid=money.paid,
        deposits=money.deposits,
        excess=money.excess,
        remaining=remaining,
        to_refund=max(0, money.paid + money.deposits - shared.payable),
        rate=shared.rate,
        small_cost=shared.small_cost,
        exempt=shared.exempt,
        opened_at=account.opened_at,
        ended_at=account.ended_at,
        settled_at=None,
        price_missing=tuple(charge.service_code for charge in charges if charge.price_missing),
    )


def _line(charge: ChargeFacts, share: SettledLine) -> BillLine:
    return BillLine(
        charge_id=charge.id,
        order_id=charge.order_id,
        service_code=charge.service_code,
        service_name=charge.service_name,
        group=charge.group,
        quantity=charge.quantity,
        unit_price=charge.unit_price,
        insured_price=charge.insured_price,
        amount=charge.quantity * charge.unit_price,
        price_kind=charge.kind,
        in_scope=charge.insured_price > 0,
        on_demand=charge.on_demand,
        placed_at=charge.placed_at,
        service_day=charge.service_day,
        rate=share.rate,
        fund=share.fund,
        copay=share.copay,
        outside=share.outside,
        paid=charge.released,
    )


def share_of(bill: BillView, charge_ids: Sequence[UUID]) -> int:
    """Return what the patient owes for some lines, whole đồng, never more than the whole bill still lacks."""
    wanted = set(charge_ids)
    shares = sum(
        (line.copay + line.outside for line in bill.lines if line.charge_id in wanted and not line.paid),
        Decimal(0),
    )
    return min(bill.remaining, int(shares.quantize(Decimal(1), ROUND_HALF_UP)))
