"""When an order may be carried out, as a table; and every forbidden move."""

from itertools import product

import pytest

from emr.episodes.rules import Payer, Setting
from emr.orders.rules import (
    NEXT,
    OrderState,
    Priority,
    ReleasedBy,
    may_move,
    released_at_once,
)

ALLOWED = {
    ("HELD", "RELEASED"),
    ("HELD", "VOIDED"),
    ("RELEASED", "DOING"),
    ("RELEASED", "VOIDED"),
    ("DOING", "REPORTED"),
    ("DOING", "DONE"),
    ("REPORTED", "DONE"),
    ("DONE", "REPORTED"),
}


@pytest.mark.parametrize(("old", "new"), list(product(OrderState, OrderState)))
def test_orders_move_only_forward(old: OrderState, new: OrderState) -> None:
    assert may_move(old, new) == ((old.value, new.value) in ALLOWED)
    assert set(NEXT) == set(OrderState)


@pytest.mark.parametrize(
    ("payer", "setting", "priority", "in_scope", "on_demand", "credit", "expected"),
    [
        ("SELF_PAY", "OUTPATIENT", "ROUTINE", True, False, False, None),
        ("SELF_PAY", "OUTPATIENT", "URGENT", True, False, False, None),
        ("SELF_PAY", "OUTPATIENT", "EMERGENCY", True, False, False, "RULE"),
        ("SELF_PAY", "OUTPATIENT", "ROUTINE", True, False, True, "CREDIT"),
        ("SELF_PAY", "INPATIENT", "ROUTINE", True, False, False, "RULE"),
        ("SELF_PAY", "EMERGENCY", "ROUTINE", True, False, False, "RULE"),
        ("ON_DEMAND", "OUTPATIENT", "ROUTINE", True, True, False, None),
        ("ON_DEMAND", "INPATIENT", "ROUTINE", False, True, False, "RULE"),
        ("FOREIGNER", "OUTPATIENT", "ROUTINE", True, False, False, None),
        ("FOREIGNER", "OUTPATIENT", "ROUTINE", True, False, True, "CREDIT"),
        ("BHYT", "OUTPATIENT", "ROUTINE", True, False, False, "RULE"),
        ("BHYT", "OUTPATIENT", "ROUTINE", False, False, False, None),
        ("BHYT", "OUTPATIENT", "ROUTINE", True, True, False, None),
        ("BHYT", "OUTPATIENT", "ROUTINE", False, True, True, "CREDIT"),
        ("BHYT", "OUTPATIENT", "EMERGENCY", False, True, False, "RULE"),
        ("BHYT", "INPATIENT", "ROUTINE", False, True, False, "RULE"),
        ("BHYT", "EMERGENCY", "ROUTINE", False, False, False, "RULE"),
    ],
)
def test_the_release_rule(
    payer: str,
    setting: str,
    priority: str,
    in_scope: bool,
    on_demand: bool,
    credit: bool,
    expected: str | None,
) -> None:
    released = released_at_once(
        payer=Payer(payer),
        setting=Setting(setting),
        priority=Priority(priority),
        in_scope=in_scope,
        on_demand=on_demand,
        credit=credit,
    )
    assert released == (ReleasedBy(expected) if expected else None)


@pytest.mark.parametrize(
    ("payer", "in_scope", "on_demand", "credit"),
    list(product(Payer, [True, False], [True, False], [True, False])),
)
def test_an_emergency_never_waits(payer: Payer, in_scope: bool, on_demand: bool, credit: bool) -> None:
    for setting, priority in product(Setting, Priority):
        released = released_at_once(
            payer=payer,
            setting=setting,
            priority=priority,
            in_scope=in_scope,
            on_demand=on_demand,
            credit=credit,
        )
        if Setting.EMERGENCY in (setting, priority) or setting is Setting.INPATIENT:
            assert released is ReleasedBy.RULE
