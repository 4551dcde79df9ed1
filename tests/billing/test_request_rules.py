from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.ledger.rules import Balances, Book, balances_of, sides
from billing.requests.rules import NEXT, RequestKind, RequestState, may_move, split_money
from billing.requests.views import RequestView
from billing.screens.service import Face, face_of
from billing.settlements.rules import settlement_steps

S = RequestState
MONEY = {S.PAID, S.UNDERPAID, S.OVERPAID}
ALLOWED = {
    S.PENDING: MONEY | {S.EXPIRED, S.CANCELLED},
    S.EXPIRED: MONEY | {S.CANCELLED},
    S.CANCELLED: MONEY,
    S.UNDERPAID: MONEY,
    S.PAID: {S.OVERPAID},
    S.OVERPAID: {S.OVERPAID},
}


@pytest.mark.parametrize("old", list(S))
@pytest.mark.parametrize("new", list(S))
def test_every_move_of_a_request(old: RequestState, new: RequestState) -> None:
    assert may_move(old, new) == (new in ALLOWED[old])
    assert set(NEXT) == set(S)


@pytest.mark.parametrize(
    ("received", "asked", "paid", "owed", "expected"),
    [
        (100, 100, 0, 100, (100, 0, S.PAID)),
        (60, 100, 0, 100, (60, 0, S.UNDERPAID)),
        (40, 100, 60, 40, (40, 0, S.PAID)),
        (140, 100, 0, 100, (100, 40, S.OVERPAID)),
        (100, 100, 100, 0, (0, 100, S.OVERPAID)),
        (100, 100, 0, 0, (0, 100, S.OVERPAID)),
        (100, 100, 0, 30, (30, 70, S.OVERPAID)),
        (30, 100, 0, 30, (30, 0, S.PAID)),
    ],
)
def test_sharing_a_transfer(
    received: int, asked: int, paid: int, owed: int, expected: tuple[int, int, RequestState]
) -> None:
    split = split_money(received, asked=asked, paid=paid, owed=owed)
    assert (split.to_request, split.excess, split.state) == expected


amounts = st.integers(0, 10**12)


@given(st.integers(1, 10**12), amounts, amounts, amounts)
def test_no_dong_is_lost(received: int, asked: int, paid: int, owed: int) -> None:
    split = split_money(received, asked=asked, paid=min(paid, asked), owed=owed)
    assert split.to_request + split.excess == received
    assert 0 <= split.to_request <= min(owed, asked)
    assert (split.state is S.OVERPAID) == (split.excess > 0)


@given(amounts, amounts, amounts, amounts)
def test_settling_balances_the_books(payable: int, fund: int, paid: int, deposits: int) -> None:
    totals: dict[str, int] = {Book.PATIENT: -paid, Book.DEPOSIT: -deposits}
    for step in settlement_steps(payable=payable, fund=fund, money=balances_of(totals)):
        assert sum(side.amount for side in step.sides) == 0
        for book, amount in step.sides:
            totals[book] = totals.get(book, 0) + amount
    after = balances_of(totals)
    assert after.deposits == deposits - min(deposits, max(0, payable - paid))
    assert after.recognised == payable
    assert after.recognised_fund == fund
    assert after.excess == max(0, paid - payable)
    assert all(
        step.sides == ()
        for step in settlement_steps(payable=payable, fund=fund, money=after)
        if after.paid >= payable
    )


def test_an_entry_that_does_not_balance_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        sides((Book.BANK, 1), (Book.PATIENT, -2))
    assert balances_of({}) == Balances()


NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)


def a_view(state: RequestState, *, closed: int | None = None) -> RequestView:
    return RequestView(
        id=UUID(int=1),
        kind=RequestKind.BILL,
        episode_id=UUID(int=2),
        patient_id=UUID(int=3),
        reference="VP10000077746",
        amount=100,
        received=0,
        excess=0,
        payload="",
        title="",
        masked_name="",
        counter="Q1",
        state=state,
        created_at=NOW - timedelta(minutes=1),
        expires_at=NOW + timedelta(minutes=14),
        closed_at=None if closed is None else NOW - timedelta(seconds=closed),
    )


@pytest.mark.parametrize(
    ("state", "closed", "face", "again"),
    [
        (S.PENDING, None, Face.PAYING, 841),
        (S.PAID, 0, Face.PAID, 8),
        (S.PAID, 9, Face.WAITING, None),
        (S.OVERPAID, 3, Face.PAID, 5),
        (S.CANCELLED, 1, Face.CANCELLED, 7),
        (S.CANCELLED, 8, Face.WAITING, None),
        (S.EXPIRED, 10, Face.EXPIRED, 20),
        (S.UNDERPAID, 60, Face.TOO_LITTLE, 240),
    ],
)
def test_each_state_has_its_face(
    state: RequestState, closed: int | None, face: Face, again: int | None
) -> None:
    shown = face_of(a_view(state, closed=closed), now=NOW)
    assert (shown.face, shown.again_seconds) == (face, again)


def test_a_code_whose_time_is_over_is_not_shown_even_before_the_job_ran() -> None:
    assert face_of(a_view(S.PENDING), now=NOW + timedelta(minutes=14)).face is Face.EXPIRED
    assert face_of(a_view(S.PENDING), now=NOW + timedelta(minutes=15)).face is Face.WAITING
    assert face_of(None, now=NOW).face is Face.WAITING
