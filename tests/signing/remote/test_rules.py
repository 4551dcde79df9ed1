"""States of a sitting: every move that is not allowed is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from signing.remote.rules import NEXT, SittingState, WrongSittingState, is_claimed, move

P, W = SittingState.PREPARED, SittingState.WAITING
ALLOWED = {
    (P, W),
    (P, SittingState.CANCELLED),
    (P, SittingState.TIMED_OUT),
    (P, SittingState.FAILED),
    (W, SittingState.SIGNED),
    (W, SittingState.CANCELLED),
    (W, SittingState.TIMED_OUT),
    (W, SittingState.FAILED),
}


@pytest.mark.parametrize("state", list(SittingState))
@pytest.mark.parametrize("target", list(SittingState))
def test_every_move(state: SittingState, target: SittingState) -> None:
    if (state, target) in ALLOWED:
        assert move(state, target) is target
    else:
        with pytest.raises(WrongSittingState):
            move(state, target)


def test_what_has_ended_goes_nowhere() -> None:
    assert {state for state in SittingState if state.ended} == set(NEXT) - {P, W}


def test_a_claim_dies_with_its_time() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert is_claimed(now + timedelta(seconds=1), now)
    assert not is_claimed(now, now)
    assert not is_claimed(None, now)
