"""Which rule binds when several speak of the same signature."""

from collections.abc import Iterable
from uuid import UUID

from msgspec import Struct

from signing.key_kinds import KeyKind


class Rule(Struct, frozen=True):
    """One rule as it is weighed: None and "" speak of everybody and everything."""

    staff_id: UUID | None
    document_kind: str
    key_kinds: tuple[KeyKind, ...]


def binding_rule(rules: Iterable[Rule], staff_id: UUID | None, document_kind: str) -> Rule | None:
    """Return the rule that binds a signature, None when none speaks of it.

    Person and type together come first; then the type, whose demand the law makes; then the person; then everybody.
    """
    speaking = [
        rule
        for rule in rules
        if rule.staff_id in (None, staff_id) and rule.document_kind in ("", document_kind)
    ]
    return max(speaking, key=lambda rule: (bool(rule.document_kind), rule.staff_id is not None), default=None)
