"""Large work gives way: to others' pages between its steps, and what nobody waits for to what somebody waits for."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_LONGEST_SECONDS = 10.0
_ROUNDS_BETWEEN = 3
"""Rounds of the event loop between two heavy steps: a page takes many short ones; an empty one costs 0.03 ms."""


class GivingWay:
    """Counts the large pieces of work that people wait for; one per process."""

    def __init__(self, longest_seconds: float = _LONGEST_SECONDS) -> None:
        """`longest_seconds`: then the rest goes on, however many come one after the other."""
        self._longest = longest_seconds
        self._under_way = 0
        self._since = 0.0
        self._over = asyncio.Event()

    @contextmanager
    def large(self) -> Iterator[None]:
        """Somebody waits for this."""
        if not self._under_way:
            self._since = time.monotonic()
            self._over.clear()
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._over.set()

    def asked(self) -> bool:
        """Tell whether other heavy work should wait now."""
        return self._left() > 0

    async def over(self) -> None:
        """Wait until other heavy work may go on."""
        while (left := self._left()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._over.wait()

    def _left(self) -> float:
        return self._since + self._longest - time.monotonic() if self._under_way else 0.0


class Turns:
    """`async with turns:` around each heavy step of something large: at most one step in a round of the event loop.

    Everything else of the process goes on between two steps, so that a page waits for few of them and not for all.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> None:
        await self._lock.acquire()

    async def __aexit__(self, *error: object) -> None:
        try:
            for _ in range(_ROUNDS_BETWEEN):
                await asyncio.sleep(0)
        finally:
            self._lock.release()
