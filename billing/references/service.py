"""Take the next payment reference of this installation."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.schema import Sequence

from billing.references.models import ReferenceKey
from billing.references.rules import make_reference, scramble
from kernel.statements import Statement

_SERIAL = Sequence("billing_reference_serial")  # In no metadata: the migration makes it.


_NEXT = Statement(select(_SERIAL.next_value().label("count"), ReferenceKey.key))


async def next_reference(session: AsyncSession) -> str:
    """Return a reference nobody had before."""
    row = await _NEXT.first(session)
    assert row is not None, "the migration made the key"
    return make_reference(scramble(row["count"], row["key"]))
