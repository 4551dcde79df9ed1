"""Arithmetic of one line."""

from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from msgspec import Struct

from insurance.benefits.costs import AidRule, BadCosts, CostLine

ZERO = Decimal("0.00")
_CENT = Decimal("0.01")


class SettledLine(Struct, frozen=True):
    """One line of the bill: total = fund + copay + outside + aid."""

    id: UUID
    group: str
    total: Decimal  # THANH_TIEN_BV
    in_scope: Decimal  # THANH_TIEN_BH
    rate: Decimal  # MUC_HUONG, percent
    fund: Decimal  # T_BHTT
    copay: Decimal  # T_BNCCT
    outside: Decimal  # T_BNTT
    aid: Decimal  # T_NGUONKHAC
    consent_id: UUID | None


def round2(amount: Decimal) -> Decimal:
    """Round half up to two places."""
    return amount.quantize(_CENT, ROUND_HALF_UP)


def line_total(line: CostLine) -> Decimal:
    """THANH_TIEN_BV. Raises BadCosts."""
    if min(line.quantity, line.price, line.insured_price, line.aid) < 0:
        raise BadCosts(f"{line.id}: số âm")
    if line.insured_price > line.price:
        raise BadCosts(f"{line.id}: giá BHYT cao hơn giá bệnh viện")
    total = round2(line.quantity * line.price * line.service_ratio / 100)
    if line.aid > total:
        raise BadCosts(f"{line.id}: nguồn khác lớn hơn thành tiền")
    return total


def insured_cost(line: CostLine, *, counted: bool) -> Decimal:
    """THANH_TIEN_BH: what the fund counts of a line; nothing when the line is not counted."""
    if not counted:
        return ZERO
    price = line.insured_price if line.ceiling is None else min(line.insured_price, line.ceiling)
    cost = line.quantity * price * line.service_ratio / 100
    if line.aid_rule is AidRule.FACILITY:
        cost = max(ZERO, cost - line.aid)
    return round2(cost * line.payment_ratio / 100)


def share(line: CostLine, in_scope: Decimal, rate: Decimal, *, zero_is_outside: bool) -> SettledLine:
    """Split a line. `in_scope` is its THANH_TIEN_BH, `rate` its MUC_HUONG in percent."""
    total = line_total(line)
    if rate == 0 and zero_is_outside:
        in_scope = ZERO
    fund = round2(in_scope * rate / 100)
    copay, outside, aid = in_scope - fund, total - in_scope, line.aid
    if line.aid_rule is AidRule.PROGRAMME:
        copay, aid = ZERO, copay
    elif line.aid_rule is AidRule.FACILITY:
        outside -= aid
    else:
        outside, left = _take(outside, aid)
        copay, left = _take(copay, left)
        fund, left = _take(fund, left)
        assert left == 0, "aid is at most the total"
    assert total == fund + copay + outside + aid, "a line must balance"
    assert min(fund, copay, outside, aid) >= 0, "no share is negative"
    return SettledLine(
        line.id,
        line.group,
        total,
        in_scope,
        rate if in_scope else ZERO,
        fund,
        copay,
        outside,
        aid,
        line.consent_id,
    )


def _take(part: Decimal, aid: Decimal) -> tuple[Decimal, Decimal]:
    taken = min(part, aid)
    return part - taken, aid - taken
