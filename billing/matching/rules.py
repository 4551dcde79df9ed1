"""Which request a transfer names."""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from billing.references.rules import find_references, is_reference, repairable_references


class TransactionState(StrEnum):
    """A bank transaction: it is matched once, attached by two people, or ignored since money went out."""

    RECEIVED = "RECEIVED"
    MATCHED = "MATCHED"
    UNMATCHED = "UNMATCHED"
    AMBIGUOUS = "AMBIGUOUS"
    IGNORED_OUT = "IGNORED_OUT"


NEXT: dict[TransactionState, frozenset[TransactionState]] = {
    TransactionState.RECEIVED: frozenset(
        {TransactionState.MATCHED, TransactionState.UNMATCHED, TransactionState.AMBIGUOUS}
    ),
    TransactionState.UNMATCHED: frozenset({TransactionState.MATCHED}),
    TransactionState.AMBIGUOUS: frozenset({TransactionState.MATCHED}),
    TransactionState.MATCHED: frozenset(),
    TransactionState.IGNORED_OUT: frozenset(),
}

STATE_WORDS = {
    TransactionState.RECEIVED: "Mới nhận",
    TransactionState.MATCHED: "Đã khớp",
    TransactionState.UNMATCHED: "Chưa rõ của ai",
    TransactionState.AMBIGUOUS: "Nhiều mã trong nội dung",
    TransactionState.IGNORED_OUT: "Tiền ra",
}


class Quality(StrEnum):
    """How sure a match is."""

    EXACT = "EXACT"
    REPAIRED = "REPAIRED"
    """Letters were read as digits; reference and amount both agreed."""
    ATTACHED = "ATTACHED"
    """Two people said so."""


class Named(Struct, frozen=True):
    """The references a transfer names: sure ones, and those that hold only if the amount agrees."""

    sure: tuple[str, ...]
    repaired: tuple[str, ...]


def named_references(*, structured: str, content: str) -> Named:
    """Return what a transfer names; an id the provider gave by itself comes before its text."""
    if is_reference(structured):
        return Named((structured,), ())
    sure = tuple(find_references(content))
    return Named(sure, () if sure else tuple(repairable_references(content)))


class Candidate(Struct, frozen=True):
    """A request one of the references belongs to."""

    reference: str
    amount: int


class Verdict(Struct, frozen=True):
    """What to do with a transfer: `reference` is set if it is matched."""

    state: TransactionState
    reference: str = ""
    quality: Quality = Quality.EXACT


def judge(named: Named, candidates: Sequence[Candidate], amount: int) -> Verdict:
    """Decide among the requests that exist: one sure one, else one repaired with the same amount, else a person."""
    sure = [c for c in candidates if c.reference in named.sure]
    if len(sure) == 1:
        return Verdict(TransactionState.MATCHED, sure[0].reference)
    if len(sure) > 1:
        return Verdict(TransactionState.AMBIGUOUS)
    repaired = [c for c in candidates if c.reference in named.repaired and c.amount == amount]
    if len(repaired) == 1:
        return Verdict(TransactionState.MATCHED, repaired[0].reference, Quality.REPAIRED)
    return Verdict(TransactionState.AMBIGUOUS if repaired else TransactionState.UNMATCHED)
