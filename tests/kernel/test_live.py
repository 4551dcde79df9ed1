import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import pytest
from litestar.response.sse import ServerSentEventMessage
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from kernel import live
from kernel.db import Sessions, make_engine, make_sessions
from kernel.wake import MESSAGE_BYTES, Message, Wake, bind_wake, tell_after_commit
from tests.conftest import RealDatabase


@asynccontextmanager
async def a_process(real_db: RealDatabase) -> AsyncIterator[tuple[Wake, Sessions]]:
    """What another web process has: its own engine, sessions and line."""
    engine = make_engine(real_db.url, pool_size=3)
    sessions, wake = make_sessions(engine), Wake()
    bind_wake(sessions, wake)
    wake.start(engine)
    async with asyncio.timeout(5):
        while not wake.connected:
            await asyncio.sleep(0.01)
    yield wake, sessions
    await wake.stop()
    await engine.dispose()


async def next_of(events: AsyncIterator[ServerSentEventMessage]) -> tuple[str | None, object]:
    async with asyncio.timeout(5):
        while True:
            found = await anext(events)
            if found.event != "alive":
                assert isinstance(found.data, str)
                return found.event, json.loads(found.data)


def collect(wake: Wake, topic: str) -> list[str | None]:
    heard: list[str | None] = []
    wake.listen(topic, heard.append)
    return heard


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def touch_counter(sessions: Sessions, number: int) -> None:
    async with sessions.begin() as session:
        live.touch(session, "counter:Q1", {"request": number})
        await session.execute(text("SELECT 1"))


async def test_a_screen_hears_of_a_commit_in_its_own_process_and_in_another(real_db: RealDatabase) -> None:
    async with (
        a_process(real_db) as (here, sessions),
        a_process(real_db) as (there, _),
        aclosing(live.events(here, "counter:Q1")) as near,
        aclosing(live.events(there, "board:A", "counter:Q1")) as far,
    ):
        assert [await next_of(near), await next_of(far)] == [("reload", {}), ("reload", {})]
        await touch_counter(sessions, 7)
        told = ("touch", {"topic": "counter:Q1", "request": 7})
        assert [await next_of(near), await next_of(far)] == [told, told]


async def test_nothing_is_told_before_the_commit_nor_after_a_rollback(real_db: RealDatabase) -> None:
    async with a_process(real_db) as (wake, sessions):
        heard = collect(wake, "x")
        async with sessions() as session:
            await session.execute(text("SELECT 1"))
            live.touch(session, "x")
            async with session.begin_nested():
                live.touch(session, "x", {"n": 1})
            assert heard == []
            await session.rollback()
            await session.execute(text("SELECT 1"))
            await session.commit()
        assert heard == []
        async with sessions.begin() as session:
            live.touch(session, "x")
            live.touch(session, "x")
            await session.execute(text("SELECT 1"))
        assert heard == ["{}"]


async def test_inside_one_test_transaction_a_commit_is_told_in_the_process(sessions: Sessions) -> None:
    wake = Wake()
    heard = collect(wake, "x")
    maker: async_sessionmaker[AsyncSession] = sessions
    bind_wake(maker, wake)
    async with sessions.begin() as session:
        live.touch(session, "x")
    assert heard == ["{}"]


async def test_a_cut_line_heals_and_tells_everybody_to_reload(real_db: RealDatabase) -> None:
    async with a_process(real_db) as (here, sessions), a_process(real_db) as (there, _):
        near, far = collect(here, "counter:Q1"), collect(there, "counter:Q1")
        async with sessions.begin() as session:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            await session.execute(text(f"{cut} AND query LIKE '%lanh%' AND datname = current_database()"))
            cut_all = f"{cut} AND datname = current_database() AND query ILIKE 'listen%'"
            await session.execute(text(cut_all))
        await until(lambda: None in near and None in far)
        await until(lambda: here.connected and there.connected)
        await touch_counter(sessions, 1)
        await until(lambda: '{"request":1}' in near and '{"request":1}' in far)


async def test_what_is_told_while_the_line_is_cut_is_sent_when_it_is_back(real_db: RealDatabase) -> None:
    async with a_process(real_db) as (there, _):
        far = collect(there, "counter:Q1")
        engine = make_engine(real_db.url, pool_size=1)
        late = Wake()
        late.tell([Message("counter:Q1", f'{{"request":{number}}}') for number in range(700)])
        late.start(engine)
        await until(lambda: len(far) == 700)
        await late.stop()
        await engine.dispose()


async def test_a_slow_reader_is_told_to_reload(real_db: RealDatabase) -> None:
    wake = Wake()
    async with aclosing(live.events(wake, "x")) as events:
        assert await next_of(events) == ("reload", {})
        wake.tell([Message("x", f'{{"n":{number}}}') for number in range(200)])
        kinds = {(await next_of(events))[0] for _ in range(3)}
        assert "reload" in kinds


async def test_a_silent_stream_says_that_it_is_alive() -> None:
    async with aclosing(live.events(Wake(), "x", alive_seconds=0.01)) as events:
        assert (await anext(events)).event == "reload"
        assert (await anext(events)).event == "alive"


async def test_streams_opened_together_say_that_they_are_alive_at_moments_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("random.random", lambda: 0.0)
    async with asyncio.timeout(5), aclosing(live.events(Wake(), "x", alive_seconds=1_000)) as events:
        assert [(await anext(events)).event for _ in range(2)] == ["reload", "alive"]


class Making:
    """Makes a number; each waits until it may be handed out."""

    def __init__(self) -> None:
        self.made = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> int:
        self.made += 1
        number = self.made
        await self.may_end.wait()
        return number


async def settled() -> None:
    """Let every task that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_many_streams_ask_for_after_one_change_is_made_once() -> None:
    wake, make = Wake(), Making()
    with live.together(wake, "x", make) as one, live.together(wake, "x", make) as two:
        asked = [asyncio.ensure_future(ask()) for ask in (one, two, one)]
        await settled()
        make.may_end.set()
        assert await asyncio.gather(*asked) == [1, 1, 1]
        assert await two() == 2
    assert wake._listeners == {}


async def test_what_was_begun_before_a_change_is_not_handed_out_after_it() -> None:
    wake, make = Wake(), Making()
    with live.together(wake, "x", make) as one, live.together(wake, "x", make) as two:
        before = asyncio.ensure_future(one())
        await settled()
        wake.tell([Message("y", "{}")])
        joined = asyncio.ensure_future(two())
        await settled()
        wake.tell([Message("x", "{}")])
        after = asyncio.ensure_future(two())
        await settled()
        make.may_end.set()
        assert [await asked for asked in (before, joined, after)] == [1, 1, 2]


async def test_a_stream_that_leaves_takes_nothing_from_the_others() -> None:
    wake, make = Wake(), Making()
    with live.together(wake, "x", make) as one, live.together(wake, "x", make) as two:
        leaving, staying = asyncio.ensure_future(one()), asyncio.ensure_future(two())
        await settled()
        leaving.cancel()
        await settled()
        make.may_end.set()
        assert await staying == 1


async def test_streams_end_when_the_process_stops() -> None:
    wake = Wake()
    ended: list[str] = []

    async def read() -> None:
        ended.extend([event.event or "" async for event in live.events(wake, "x")])

    reader: Awaitable[None] = asyncio.create_task(read())
    await until(lambda: "x" in wake._listeners)
    await wake.stop()
    async with asyncio.timeout(2):
        await reader
    assert ended == ["reload"]
    assert wake._listeners == {}


async def test_content_is_refused_where_ids_belong(session: AsyncSession) -> None:
    with pytest.raises(ValueError):
        tell_after_commit(session, "x", "y" * MESSAGE_BYTES)
