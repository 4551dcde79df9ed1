"""Live screens: a page is told that its state changed and loads it again; only ids travel.

A stream starts with `reload`, and says it again whenever news may have been lost (a slow reader, a new database
connection); `alive` every two seconds lets a screen notice a dead line.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping

import msgspec
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import metrics
from kernel.wake import Listener, Wake, tell_after_commit

ALIVE_SECONDS = 2.0
RETRY_MILLISECONDS = 1_000
_QUEUE_MESSAGES = 64
_END = "end"

Ids = Mapping[str, str | int]


def touch(session: AsyncSession, topic: str, ids: Ids | None = None) -> None:
    """Tell the screens that watch `topic`, once this transaction has committed. Ids only, never content."""
    tell_after_commit(session, topic, msgspec.json.encode(dict(ids or {})).decode())


def stream(wake: Wake, *topics: str, alive_seconds: float = ALIVE_SECONDS) -> ServerSentEvent:
    """Answer with the events of `topics`: `reload`, `touch` (JSON with the topic and the ids) and `alive`."""
    return ServerSentEvent(events(wake, *topics, alive_seconds=alive_seconds))


async def events(
    wake: Wake, *topics: str, alive_seconds: float = ALIVE_SECONDS
) -> AsyncGenerator[ServerSentEventMessage, None]:
    """Yield the events of `topics` until the process stops or the reader leaves."""
    news: asyncio.Queue[tuple[str, str]] = asyncio.Queue(_QUEUE_MESSAGES)

    def put(kind: str, data: str) -> None:
        if news.full():  # A slow reader loads its state again instead of reading every step.
            while not news.empty():
                news.get_nowait()
            kind, data = ("reload", "{}") if kind != _END else (kind, data)
        news.put_nowait((kind, data))

    def listener(topic: str) -> Listener:
        return lambda data: put("reload", "{}") if data is None else put("touch", _with_topic(topic, data))

    ends = [wake.listen(topic, listener(topic)) for topic in topics]
    ends.append(wake.on_stop(lambda: put(_END, "")))
    metrics.streams_open.inc()
    try:
        yield ServerSentEventMessage(event="reload", data="{}", retry=RETRY_MILLISECONDS)
        while True:
            try:
                kind, data = await asyncio.wait_for(news.get(), alive_seconds)
            except TimeoutError:
                kind, data = "alive", "{}"
            if kind == _END:
                return
            yield ServerSentEventMessage(event=kind, data=data)
    finally:
        metrics.streams_open.dec()
        for end in ends:
            end()


def _with_topic(topic: str, data: str) -> str:
    return msgspec.json.encode({"topic": topic} | msgspec.json.decode(data)).decode()
