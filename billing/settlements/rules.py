"""The entries of a settlement."""

from typing import NamedTuple

from billing.ledger.rules import Balances, Book, EntryKind, Side, sides


class Step(NamedTuple):
    """One entry to post."""

    kind: EntryKind
    reason: str
    sides: tuple[Side, ...]


def settlement_steps(*, payable: int, fund: int, money: Balances) -> list[Step]:
    """Return the entries that settle an account, in order. All in đồng; `fund` is the total less `payable`.

    Only what earlier settlements did not yet recognise is posted, so settling again posts the difference.
    Money paid beyond what is owed joins the excess to give back, apart from tạm ứng, of which only what is
    needed is used.
    """
    owed, due_fund = payable - money.recognised, fund - money.recognised_fund
    from_deposit = min(money.deposits, max(0, payable - money.paid))
    too_much = max(0, money.paid - payable)
    steps = [
        Step(
            EntryKind.SETTLE,
            "Dùng tạm ứng trả viện phí.",
            sides((Book.DEPOSIT, from_deposit), (Book.PATIENT, -from_deposit)),
        ),
        Step(
            EntryKind.SETTLE,
            "Ghi nhận doanh thu khi quyết toán.",
            sides((Book.PATIENT, owed), (Book.FUND, due_fund), (Book.REVENUE, -owed - due_fund)),
        ),
        Step(
            EntryKind.MOVE,
            "Thu quá số phải trả, chờ hoàn.",
            sides((Book.PATIENT, too_much), (Book.EXCESS, -too_much)),
        ),
    ]
    return [step for step in steps if step.sides]
