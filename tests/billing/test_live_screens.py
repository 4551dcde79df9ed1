"""A change wakes the screens of its own counter, and is read and drawn once for all of them."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import cast

import pytest
from litestar.plugins.jinja import JinjaTemplateEngine
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession

from billing.requests.service import cancel_request
from billing.requests.views import RequestView
from billing.screens import faces
from billing.screens.service import PairScreen, Watched, ask_to_pair, pair_screen, watch
from billing.shifts.service import add_counter, get_counter
from hospital.settings import Settings
from kernel.clock import Instant, utc_now
from tests.billing.builders import CASHIER, SETTINGS, a_request, an_episode
from tests.conftest import RealDatabase

Stream = AsyncGenerator[bytes, None]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, billing=SETTINGS)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The counters that were looked at, in order: one look is one statement and one drawing."""
    looked: list[str] = []

    async def counted(session: AsyncSession, counter: str, *, now: Instant) -> Watched:
        looked.append(counter)
        return await watch(session, counter, now=now)

    monkeypatch.setattr(faces, "watch", counted)
    return looked


async def paired(db: RealDatabase, counter: str) -> str:
    """Return the token of a screen a cashier paired."""
    async with db.services.sessions.begin() as session:
        asked = await ask_to_pair(session, counter, now=utc_now())
        await pair_screen(session, PairScreen(counter, asked.code), actor=CASHIER, now=utc_now())
    return asked.token


async def opened(db: RealDatabase, stack: AsyncExitStack, counter: str, token: str) -> Stream:
    """Open a stream and read the face it starts with."""
    async with db.services.sessions.begin() as session:
        place = await get_counter(session, counter)
    engine = cast(JinjaTemplateEngine, db.app.template_engine)
    stream = await stack.enter_async_context(aclosing(faces.faces(db.services, engine, place, token)))
    assert await next_face(stream) == "waiting"
    return stream


async def next_face(stream: Stream) -> str:
    """Return the next face, or the name of the event where there is none."""
    async with asyncio.timeout(10):
        while True:
            name, data = re.findall(r"(?:event|data): (.*)\r\n", (await anext(stream)).decode())[:2]
            if name == "face":
                return str(re.findall(r'data-face="(\w+)"', json.loads(data)["html"])[0])
            if name != "alive":
                return str(name)


async def ask(db: RealDatabase, counter: str) -> RequestView:
    async with db.services.sessions.begin() as session:
        return await a_request(session, await an_episode(session), counter=counter)


@pytest.fixture
async def two_counters(real_db: RealDatabase) -> RealDatabase:
    async with real_db.services.sessions.begin() as session:
        for counter in ("Q1", "Q2"):
            await add_counter(session, counter, f"Quầy {counter}")
    return real_db


async def test_a_change_is_read_and_drawn_once_for_every_screen_of_its_counter(
    two_counters: RealDatabase, looks: list[str]
) -> None:
    token = await paired(two_counters, "Q1")
    async with AsyncExitStack() as stack:
        streams = [await opened(two_counters, stack, "Q1", token) for _ in range(5)]
        looks.clear()
        waiting = [asyncio.create_task(next_face(stream)) for stream in streams]
        request = await ask(two_counters, "Q1")
        assert await asyncio.gather(*waiting) == ["paying"] * 5
        assert looks == ["Q1"]
        waiting = [asyncio.create_task(next_face(stream)) for stream in streams]
        async with two_counters.services.sessions.begin() as session:
            await cancel_request(session, request.id, reason="thử", actor=CASHIER, now=utc_now())
        assert await asyncio.gather(*waiting) == ["cancelled"] * 5
        assert looks == ["Q1", "Q1"]


async def test_a_change_at_one_counter_does_not_wake_the_screens_of_another(
    two_counters: RealDatabase, looks: list[str]
) -> None:
    tokens = {counter: await paired(two_counters, counter) for counter in ("Q1", "Q2")}
    async with AsyncExitStack() as stack:
        one, two = [await opened(two_counters, stack, counter, tokens[counter]) for counter in ("Q1", "Q2")]
        looks.clear()
        other = asyncio.create_task(next_face(two))
        await ask(two_counters, "Q1")
        assert await next_face(one) == "paying"
        assert looks == ["Q1"]
        assert not other.done()
        await ask(two_counters, "Q2")
        assert await other == "paying"
        assert looks == ["Q1", "Q2"]


async def test_a_screen_that_lost_its_place_sees_nothing_of_what_is_drawn_for_the_new_one(
    two_counters: RealDatabase,
) -> None:
    first = await paired(two_counters, "Q1")
    async with AsyncExitStack() as stack:
        old = await opened(two_counters, stack, "Q1", first)
        new = await opened(two_counters, stack, "Q1", await paired(two_counters, "Q1"))
        await ask(two_counters, "Q1")
        assert [await next_face(old), await next_face(new)] == ["unpaired", "paying"]
