"""Take the next payment reference of this installation."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.schema import Sequence

from billing.references.models import ReferenceKey
from billing.references.rules import make_reference, scramble

_SERIAL = Sequence("billing_reference_serial")  # In no metadata: the migration makes it.


async def next_reference(session: AsyncSession) -> str:
    """Return a reference nobody had before."""
    count, key = (await session.execute(select(_SERIAL.next_value(), ReferenceKey.key))).one()
    return make_reference(scramble(count, key))
