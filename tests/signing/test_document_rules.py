"""States of documents: every move that is not allowed is refused; codes survive handwriting."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.paper.verify import new_code
from signing.documents.rules import (
    NEXT,
    DocumentState,
    SlotState,
    may_become,
    next_open,
    read_code,
)


@pytest.mark.parametrize("state", list(DocumentState))
@pytest.mark.parametrize("target", list(DocumentState))
def test_every_move(state: DocumentState, target: DocumentState) -> None:
    allowed = {
        (DocumentState.PENDING, DocumentState.ISSUED),
        (DocumentState.PENDING, DocumentState.REFUSED),
        (DocumentState.PENDING, DocumentState.RECALLED),
        (DocumentState.PENDING, DocumentState.SUPERSEDED),
        (DocumentState.ISSUED, DocumentState.SUPERSEDED),
        (DocumentState.REFUSED, DocumentState.SUPERSEDED),
        (DocumentState.RECALLED, DocumentState.SUPERSEDED),
    }
    assert may_become(state, target) is ((state, target) in allowed)
    assert set(NEXT) == set(DocumentState)


def test_codes_are_read_as_people_write_them() -> None:
    code = new_code()
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", code)
    assert read_code(code.lower().replace("-", " ")) == code
    assert read_code("oIlo-0000-0000-0000") == "0110-0000-0000-0000"


@given(st.text(max_size=30))
def test_reading_any_text_never_fails(text: str) -> None:
    code = read_code(text)
    assert code is None or read_code(code) == code


W, S, R = SlotState.WAITING, SlotState.SIGNED, SlotState.REFUSED


@pytest.mark.parametrize(
    ("states", "expected"),
    [([W, W], 0), ([S, W], 1), ([S, S], None), ([S, R, W], None), ([], None)],
)
def test_whose_turn_it_is(states: list[SlotState], expected: int | None) -> None:
    assert next_open(states) == expected
