"""What an order costs, asked of the package that knows; emr itself knows no money."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.money import Vnd

PriceSource = Callable[[AsyncSession, Sequence[UUID]], Awaitable[dict[UUID, Vnd]]]
"""Unit prices by order id; an order without a price is left out."""


async def _unknown(_: AsyncSession, __: Sequence[UUID]) -> dict[UUID, Vnd]:
    return {}


_source: list[PriceSource] = [_unknown]


def provide_prices(source: PriceSource) -> PriceSource:
    """Let a higher package print its prices on the phiếu chỉ định."""
    _source[0] = source
    return source


async def unit_prices(session: AsyncSession, order_ids: Sequence[UUID]) -> dict[UUID, Vnd]:
    return await _source[0](session, order_ids)
