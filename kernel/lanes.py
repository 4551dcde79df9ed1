"""HTTP connections for many requests at once to few servers.

httpcore walks over every open connection at each request and each answer, so that a burst of requests costs the square
of its width. Here each connection is a lane of its own: taking a free one and giving it back costs the same whatever
the width.
"""

from collections.abc import AsyncIterator
from ssl import SSLContext
from typing import Any, cast

import httpx

from kernel.brief import BriefLane

BRIEF: dict[str, Any] = {"brief": True}
"""Extension of a request that may be asked twice and has a short answer: cheaper, read whole."""
_KEPT = 32  # Free lanes kept for each server.
_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=15)


class Lanes(httpx.AsyncBaseTransport):
    """A transport whose connections don't know of each other; how many there are is for the callers to bound."""

    def __init__(self, tls: SSLContext) -> None:
        self._tls = tls
        self._free: dict[tuple[str, str, int | None], list[httpx.AsyncHTTPTransport]] = {}
        self._brief: dict[tuple[str, str, int | None], list[BriefLane]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        server = (request.url.scheme, request.url.host, request.url.port)
        if request.extensions.get("brief"):
            return await self._ask(request, self._brief.setdefault(server, []))
        free = self._free.setdefault(server, [])
        lane = free.pop() if free else httpx.AsyncHTTPTransport(verify=self._tls, limits=_ONE)
        try:
            answer = await lane.handle_async_request(request)
        except BaseException:
            await lane.aclose()  # What broke, or was given up half way, is not used again.
            raise
        stream = cast(httpx.AsyncByteStream, answer.stream)
        return httpx.Response(
            answer.status_code,
            headers=answer.headers,
            stream=_Answer(stream, lane, free),
            extensions=answer.extensions,
        )

    async def _ask(self, request: httpx.Request, free: list[BriefLane]) -> httpx.Response:
        lane = free.pop() if free else BriefLane(self._tls)
        try:
            answer = await lane.ask(request)
        except BaseException:
            lane.close()
            raise
        if lane.is_open and len(free) < _KEPT:
            free.append(lane)
        else:
            lane.close()
        return answer

    async def aclose(self) -> None:
        for free in self._free.values():
            while free:
                await free.pop().aclose()
        for brief in self._brief.values():
            while brief:
                brief.pop().close()


class _Answer(httpx.AsyncByteStream):
    """The body of an answer; its lane is free once the body was read or given up."""

    def __init__(
        self,
        stream: httpx.AsyncByteStream,
        lane: httpx.AsyncHTTPTransport,
        free: list[httpx.AsyncHTTPTransport],
    ) -> None:
        self._stream, self._lane, self._free = stream, lane, free

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
        if len(self._free) < _KEPT:
            self._free.append(self._lane)
        else:
            await self._lane.aclose()
