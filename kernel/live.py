"""Live screens: a page is told that its state changed and loads it again; only ids travel.

A stream starts with `reload`, and says it again whenever news may have been lost (a slow reader, a new database
connection); `alive` every two seconds lets a screen notice a dead line. Streams that open together, as after a restart,
say it at moments of their own: a hundred at once would hold up whatever else happens then.
"""

import asyncio
import random
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Coroutine,
    Iterator,
    Mapping,
)
from contextlib import contextmanager
from functools import partial
from math import ceil
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import msgspec
from litestar.response import ServerSentEvent, Stream
from litestar.response.sse import ServerSentEventMessage
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import metrics
from kernel.wake import Listener, Wake, tell_after_commit

ALIVE_SECONDS = 2.0
RETRY_MILLISECONDS = 1_000
_GRID_SECONDS = 1 / 16
_QUEUE_MESSAGES = 64
_END = "end"

ALIVE = ServerSentEventMessage(event="alive", data="{}")
ALIVE_BYTES = ALIVE.encode()

Ids = Mapping[str, str | int]
Made = TypeVar("Made")


def touch(session: AsyncSession, topic: str, ids: Ids | None = None) -> None:
    """Tell the screens that watch `topic`, once this transaction has committed. Ids only, never content."""
    tell_after_commit(session, topic, msgspec.json.encode(dict(ids or {})).decode())


class EncodedEvents(ServerSentEvent):
    """An answer of events already encoded: one made for many readers is encoded once, and opening needs no thread."""

    def __init__(self, pieces: AsyncIterable[bytes]) -> None:
        headers = {"cache-control": "no-store", "connection": "keep-alive", "x-accel-buffering": "no"}
        Stream.__init__(self, pieces, media_type="text/event-stream", headers=headers)


def stream(wake: Wake, *topics: str, alive_seconds: float = ALIVE_SECONDS) -> ServerSentEvent:
    """Answer with the events of `topics`: `reload`, `touch` (JSON with the topic and the ids) and `alive`."""
    return EncodedEvents(_encoded(wake, *topics, alive_seconds=alive_seconds))


async def _encoded(wake: Wake, *topics: str, alive_seconds: float) -> AsyncGenerator[bytes, None]:
    async for message in events(wake, *topics, alive_seconds=alive_seconds):
        yield ALIVE_BYTES if message is ALIVE else message.encode()


class _Mailbox:
    """News for one stream, in order; a slow reader loads its state again instead of reading every step."""

    def __init__(self) -> None:
        self.news: deque[tuple[str, str]] = deque()
        self.waiter: asyncio.Future[None] | None = None

    def put(self, kind: str, data: str) -> None:
        if len(self.news) >= _QUEUE_MESSAGES:
            self.news.clear()
            kind, data = ("reload", "{}") if kind != _END else (kind, data)
        self.news.append((kind, data))
        self.go_on()

    def go_on(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def next(self, seconds: float) -> tuple[str, str] | None:
        """Return the oldest news, None after so many seconds without any. A timer costs less than wait_for's task."""
        if not self.news:
            loop = asyncio.get_running_loop()
            self.waiter = loop.create_future()
            # On a grid, so that a few streams share a turn of the loop.
            timer = loop.call_at(ceil((loop.time() + seconds) / _GRID_SECONDS) * _GRID_SECONDS, self.go_on)
            try:
                await self.waiter
            finally:
                timer.cancel()
        return self.news.popleft() if self.news else None


async def events(
    wake: Wake, *topics: str, alive_seconds: float = ALIVE_SECONDS
) -> AsyncGenerator[ServerSentEventMessage, None]:
    """Yield the events of `topics` until the process stops or the reader leaves."""
    mail = _Mailbox()

    def listener(topic: str) -> Listener:
        return lambda data: (
            mail.put("reload", "{}") if data is None else mail.put("touch", _with_topic(topic, data))
        )

    ends = [wake.listen(topic, listener(topic)) for topic in topics]
    ends.append(wake.on_stop(lambda: mail.put(_END, "")))
    metrics.streams_open.inc()
    try:
        yield ServerSentEventMessage(event="reload", data="{}", retry=RETRY_MILLISECONDS)
        silence = alive_seconds * random.random()  # noqa: S311  (the stream's own moment, no secret)
        while True:
            found = await mail.next(silence)
            silence = alive_seconds
            if found is None:
                yield ALIVE
                continue
            kind, data = found
            if kind == _END:
                return
            yield ServerSentEventMessage(event=kind, data=data)
    finally:
        metrics.streams_open.dec()
        for end in ends:
            end()


def _with_topic(topic: str, data: str) -> str:
    return msgspec.json.encode({"topic": topic} | msgspec.json.decode(data)).decode()


class _Shared:
    """What the streams of one topic show, made once for each change of it."""

    def __init__(self) -> None:
        self.streams = 0
        self.version = 0
        self.making: tuple[int, asyncio.Task[Any]] | None = None
        self.end: Callable[[], None]

    def changed(self, _: str | None) -> None:
        self.version += 1

    async def get(self, make: Callable[[], Coroutine[Any, Any, Made]]) -> Made:
        """Join what is being made since the last change, or make it. Nothing is kept: it tells of this moment."""
        if self.making is None or self.making[0] != self.version or self.making[1].done():
            self.making = self.version, asyncio.create_task(make())
        return await asyncio.shield(self.making[1])  # One reader that leaves takes nothing from the others.


_shared: WeakKeyDictionary[Wake, dict[str, _Shared]] = WeakKeyDictionary()


@contextmanager
def together(
    wake: Wake, topic: str, make: Callable[[], Coroutine[Any, Any, Made]]
) -> Iterator[Callable[[], Awaitable[Made]]]:
    """Give a stream the way to what its topic shows: of all who ask after one change, the first makes it for all.

    Every stream of a topic in this process must show the same; enter before listening to its events.
    """
    of_process = _shared.setdefault(wake, {})
    if topic not in of_process:
        of_process[topic] = _Shared()
        of_process[topic].end = wake.listen(topic, of_process[topic].changed)
    shared = of_process[topic]
    shared.streams += 1
    try:
        yield partial(shared.get, make)
    finally:
        shared.streams -= 1
        if not shared.streams:
            shared.end()
            del of_process[topic]
