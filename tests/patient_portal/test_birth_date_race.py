"""Many guesses of a birth date at once, real commits: no more are looked at than are allowed one by one."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import insert, select

from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.problems import Problem
from patient_portal.accounts.models import CodeRequest, Device
from patient_portal.accounts.rules import token_hash
from patient_portal.accounts.service import SignInBirthDate, sign_in
from tests.conftest import RealDatabase
from tests.patient_portal.builders import PHONE, a_patient

Proved = Callable[[RealDatabase], Awaitable[SignInBirthDate]]
GUESSES = 12


async def _proved_phone(real_db: RealDatabase) -> SignInBirthDate:
    """A phone whose code was typed right; its birth date is still owed."""
    now = utc_now()
    values = {"id": new_id(), "phone": PHONE, "asked_at": now, "expires_at": now + timedelta(minutes=5)}
    async with real_db.sessions.begin() as session:
        await a_patient(session)
        await session.execute(insert(CodeRequest).values(step_hash=token_hash("guessed", "step"), **values))
    return SignInBirthDate(birth_date=date(1901, 1, 1), step_token="guessed")


async def _remembered_device(real_db: RealDatabase) -> SignInBirthDate:
    now = utc_now()
    values = {"id": new_id(), "phone": PHONE, "label": "", "remembered_at": now, "last_used_at": now}
    values |= {"expires_at": now + timedelta(days=1), "token_hash": token_hash("guessed", "device")}
    async with real_db.sessions.begin() as session:
        await a_patient(session)
        await session.execute(insert(Device).values(values))
    return SignInBirthDate(birth_date=date(1901, 1, 1), device_token="guessed")


@pytest.mark.parametrize(
    ("proved", "table", "shut"),
    [(_proved_phone, CodeRequest, "code-dead"), (_remembered_device, Device, "step-over")],
)
async def test_guesses_at_once_are_counted_one_by_one(
    real_db: RealDatabase, proved: Proved, table: type[CodeRequest | Device], shut: str
) -> None:
    command = await proved(real_db)
    portal = real_db.settings.portal

    async def guess() -> str:
        with pytest.raises(Problem) as refused:
            await sign_in(real_db.sessions, command, ip="", settings=portal, now=utc_now())
        return refused.value.slug

    slugs = await asyncio.gather(*(guess() for _ in range(GUESSES)))
    allowed = portal.code_tries
    assert sorted(slugs) == sorted(["wrong-birth-date"] * allowed + [shut] * (GUESSES - allowed))
    async with real_db.sessions() as session:
        assert await session.scalar(select(table.birth_tries)) == allowed
