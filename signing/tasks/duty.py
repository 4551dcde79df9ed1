"""Who leads on duty now (trực lãnh đạo). The roster belongs to a package above, which hands a reader in."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant

Roster = Callable[[AsyncSession, Instant], Awaitable[frozenset[UUID]]]


async def _nobody(_session: AsyncSession, _at: Instant) -> frozenset[UUID]:
    return frozenset()


_roster: list[Roster] = [_nobody]


def use_roster(read: Roster) -> None:
    """Let signing ask this for the leaders on duty; called once, when handlers are registered."""
    _roster[0] = read


async def leaders_on_duty(session: AsyncSession, at: Instant) -> frozenset[UUID]:
    """Return who leads on duty at a moment; nobody while no roster was handed in."""
    return await _roster[0](session, at)
