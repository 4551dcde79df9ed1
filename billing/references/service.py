"""Take the next payment reference of this installation."""

from sqlalchemy import select
from sqlalchemy.schema import Sequence

from billing.references.models import ReferenceKey
from billing.references.rules import make_reference, scramble
from kernel.statements import Row

_SERIAL = Sequence("billing_reference_serial")  # In no metadata: the migration makes it.


NEXT = select(_SERIAL.next_value().label("count"), ReferenceKey.key)
"""One row that makes a reference nobody had before; whoever reads it adds columns of their own."""


def reference_of(row: Row) -> str:
    """Return the reference that a row of NEXT makes."""
    return make_reference(scramble(row["count"], row["key"]))
