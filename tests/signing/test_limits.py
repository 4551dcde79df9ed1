"""The limit of the public verify pages: the same for all processes, and nothing of an address is kept."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from kernel.clock import utc_now
from kernel.db import make_engine, make_sessions
from signing.limits import TooManyTries, forget_tries, take_try
from signing.verification.models import PublicTry
from tests.conftest import RealDatabase

pytestmark = pytest.mark.anyio


async def test_two_processes_share_one_limit(real_db: RealDatabase) -> None:
    """Two engines have nothing in common but the database, as two web processes have."""
    now = utc_now()
    engines = [make_engine(real_db.url, pool_size=5) for _ in range(2)]

    async def one(number: int) -> bool:
        try:
            await take_try(make_sessions(engines[number % 2]), "verify", "10.0.0.1", per_minute=10, now=now)
        except TooManyTries:
            return False
        return True

    try:
        let_in = await asyncio.gather(*(one(number) for number in range(30)))
    finally:
        for engine in engines:
            await engine.dispose()
    assert sum(let_in) == 10


async def test_the_minute_slides(real_db: RealDatabase) -> None:
    start = utc_now()
    for second in (0, 30):
        await take_try(real_db.sessions, "verify", "a", per_minute=2, now=start + timedelta(seconds=second))
    with pytest.raises(TooManyTries, match="2 lần"):
        await take_try(real_db.sessions, "verify", "a", per_minute=2, now=start + timedelta(seconds=59))
    await take_try(real_db.sessions, "verify", "a", per_minute=2, now=start + timedelta(seconds=61))
    with pytest.raises(TooManyTries):
        await take_try(real_db.sessions, "verify", "a", per_minute=2, now=start + timedelta(seconds=62))
    await take_try(real_db.sessions, "verify", "b", per_minute=2, now=start + timedelta(seconds=62))
    await take_try(real_db.sessions, "file", "a", per_minute=2, now=start + timedelta(seconds=62))


async def test_no_address_is_kept_and_tries_are_forgotten(real_db: RealDatabase) -> None:
    now = utc_now()
    await take_try(real_db.sessions, "verify", "203.0.113.77", per_minute=2, now=now)
    async with real_db.sessions.begin() as session:
        row = (await session.scalars(select(PublicTry))).one()
        assert b"203.0.113.77" not in row.source
        await forget_tries(session, now=now + timedelta(minutes=59))
        assert await session.scalar(select(func.count()).select_from(PublicTry)) == 1
        await forget_tries(session, now=now + timedelta(minutes=61))
        assert await session.scalar(select(func.count()).select_from(PublicTry)) == 0
