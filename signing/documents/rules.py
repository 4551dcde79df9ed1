"""States of a document and of its slots, and which moves are allowed."""

import re
from collections.abc import Sequence
from enum import StrEnum


class DocumentState(StrEnum):
    """Where a document stands (trạng thái văn bản)."""

    PENDING = "PENDING"
    ISSUED = "ISSUED"
    REFUSED = "REFUSED"
    RECALLED = "RECALLED"
    SUPERSEDED = "SUPERSEDED"


STATE_WORDS = {
    DocumentState.PENDING: "Chờ ký",
    DocumentState.ISSUED: "Đã ký",
    DocumentState.REFUSED: "Từ chối ký",
    DocumentState.RECALLED: "Đã thu hồi",
    DocumentState.SUPERSEDED: "Đã thay thế",
}

NEXT: dict[DocumentState, frozenset[DocumentState]] = {
    DocumentState.PENDING: frozenset(
        {DocumentState.ISSUED, DocumentState.REFUSED, DocumentState.RECALLED, DocumentState.SUPERSEDED}
    ),
    DocumentState.ISSUED: frozenset({DocumentState.SUPERSEDED}),
    DocumentState.REFUSED: frozenset({DocumentState.SUPERSEDED}),
    DocumentState.RECALLED: frozenset({DocumentState.SUPERSEDED}),
    DocumentState.SUPERSEDED: frozenset(),
}


class SlotState(StrEnum):
    WAITING = "WAITING"
    SIGNED = "SIGNED"
    REFUSED = "REFUSED"
    CANCELLED = "CANCELLED"


SLOT_WORDS = {
    SlotState.WAITING: "Chờ ký",
    SlotState.SIGNED: "Đã ký",
    SlotState.REFUSED: "Từ chối ký",
    SlotState.CANCELLED: "Đã huỷ",
}


class SlotOwner(StrEnum):
    PERSON = "PERSON"
    ROLE = "ROLE"
    PATIENT = "PATIENT"
    """The patient or who represents them; the hospital seals what they did (`signing.people`)."""
    ORGANISATION = "ORGANISATION"


def may_become(state: DocumentState, target: DocumentState) -> bool:
    """Tell whether a document in one state may go to another."""
    return target in NEXT[state]


_CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{16}")
_READ_AS = str.maketrans("ILO", "110")


def read_code(text: str) -> str | None:
    """Read a code a person typed, with or without dashes and in any case; None if it is none."""
    plain = re.sub(r"[\s-]", "", text).upper().translate(_READ_AS)
    if not _CODE.fullmatch(plain):
        return None
    return "-".join(plain[at : at + 4] for at in range(0, 16, 4))


def next_open(states: Sequence[SlotState]) -> int | None:
    """Return the index of the slot whose turn it is, None when all are signed or one ended otherwise."""
    for at, state in enumerate(states):
        if state is SlotState.WAITING:
            return at
        if state is not SlotState.SIGNED:
            return None
    return None
