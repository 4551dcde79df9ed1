"""What always holds of a bill, and figures that cannot be one."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insurance.api import AidRule, BadCosts, Card, CostLine, EncounterCosts, Insured, Scope, settle
from tests.insurance.encounters import AUTUMN, a_line, an_encounter

prices = st.decimals(min_value=0, max_value=50_000_000, places=3, allow_nan=False)


@pytest.mark.parametrize(
    "line",
    [
        a_line("100", insured_price="200"),
        a_line("-1"),
        msgspec.structs.replace(a_line("100"), quantity=Decimal(-1)),
        msgspec.structs.replace(a_line("100"), aid=Decimal(101)),
    ],
    ids=["fund's price above ours", "negative price", "negative quantity", "aid above the total"],
)
def test_figures_that_cannot_be_a_bill_are_refused(line: CostLine) -> None:
    with pytest.raises(BadCosts):
        settle(msgspec.structs.replace(an_encounter("0"), lines=(line,)))


@st.composite
def cost_lines(draw: st.DrawFn) -> CostLine:
    price = draw(prices)
    insured_price = draw(st.sampled_from([price, Decimal(0), (price / 3).quantize(Decimal("0.001"))]))
    return CostLine(
        id=UUID(int=draw(st.integers(1, 10**9))),
        on=AUTUMN + timedelta(days=draw(st.integers(0, 3))),
        quantity=draw(st.decimals(min_value=0, max_value=40, places=2, allow_nan=False)),
        price=price,
        insured_price=min(price, insured_price),
        scope=draw(st.sampled_from(Scope)),
        service_ratio=draw(st.sampled_from([Decimal(n) for n in (100, 80, 50, 33, 30, 10, 0)])),
        payment_ratio=draw(st.sampled_from([Decimal(100), Decimal(50), Decimal(30)])),
    )


@given(
    lines=st.lists(cost_lines(), max_size=8),
    level=st.integers(1, 5),
    route=st.sampled_from(["1.1", "1.2", "1.3", "2", "3.1", "3.3", "9"]),
    inpatient=st.booleans(),
    deposits=st.integers(0, 10**8),
)
def test_a_bill_always_balances(
    lines: list[CostLine], level: int, route: str, inpatient: bool, deposits: int
) -> None:
    card = Card("XX1010000000000", level, date(2026, 1, 1))
    got = settle(EncounterCosts(AUTUMN, AUTUMN, inpatient, tuple(lines), Insured((card,), route), deposits))
    assert got.total == got.fund + got.copay + got.outside + got.aid
    assert got.in_scope == got.fund + got.copay
    assert abs(got.rounding) <= Decimal("0.5")
    assert got.payable - deposits == got.to_collect - got.to_refund
    assert all(min(line.fund, line.copay, line.outside, line.aid) >= 0 for line in got.lines)
    assert all(line.total == line.fund + line.copay + line.outside + line.aid for line in got.lines)


@given(
    lines=st.lists(cost_lines(), min_size=1, max_size=6),
    rule=st.sampled_from(AidRule),
    share=st.integers(0, 100),
)
def test_a_bill_with_aid_always_balances(lines: list[CostLine], rule: AidRule, share: int) -> None:
    helped = []
    for line in lines:
        whole = line.quantity * line.price * line.service_ratio / 100
        aid = Decimal(0) if rule is AidRule.PROGRAMME else (whole * share / 100 - 1).quantize(Decimal("0.01"))
        helped.append(msgspec.structs.replace(line, aid=max(Decimal(0), aid), aid_rule=rule))
    card = Card("DN4010000000000", 4, date(2026, 1, 1))
    got = settle(EncounterCosts(AUTUMN, AUTUMN, True, tuple(helped), Insured((card,), "1.3")))
    assert got.total == got.fund + got.copay + got.outside + got.aid
