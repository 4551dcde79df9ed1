"""Work that keeps a processor busy (rendering, signing) runs in processes of its own, never on the event loop."""

import asyncio
import importlib
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from typing import TypeVar

from kernel.giving_way import GivingWay

Result = TypeVar("Result")


class CpuPool:
    """A small pool of spawned processes; with 0 workers the work runs in this process (tests)."""

    def __init__(
        self, workers: int, *, preload: Sequence[str] = (), giving_way: GivingWay | None = None
    ) -> None:
        """`preload`: modules each process imports at its start, so that no request waits for an import."""
        self._workers = workers
        self._preload = tuple(preload)
        self._pool: ProcessPoolExecutor | None = None
        self._giving_way = giving_way or GivingWay()
        self._behind = asyncio.Lock()

    def start(self) -> None:
        """Start the processes now, beside whatever comes next: only who has work for them waits for them."""
        if self._workers:
            self._pool = self._make_pool()
            for _ in range(self._workers):
                self._pool.submit(os.getpid)

    async def run(self, function: Callable[..., Result], /, *arguments: object) -> Result:
        """Call a module-level function with picklable arguments and return its result or raise its error.

        A call must be pure: if a process dies, the call is made once more.
        """
        if not self._workers:
            return function(*arguments)
        loop = asyncio.get_running_loop()
        pool = self._pool = self._pool or self._make_pool()
        try:
            return await loop.run_in_executor(pool, function, *arguments)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = self._make_pool()
            pool.shutdown(wait=False)
            return await loop.run_in_executor(self._pool or pool, function, *arguments)

    async def run_behind(self, function: Callable[..., Result], /, *arguments: object) -> Result:
        """The same for work that nobody waits for: one call at a time, so that a person waits for one of them at most,
        and none while somebody waits for something large.
        """
        async with self._behind:
            await self._giving_way.over()
            return await self.run(function, *arguments)

    async def stop(self) -> None:
        """Let the running calls end and stop the processes."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    def _make_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._workers,
            mp_context=get_context("spawn"),
            initializer=_start_process,
            initargs=(self._preload,),
        )


def _start_process(preload: tuple[str, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle.
    threading.Thread(target=_die_with_parent, daemon=True).start()
    for module in preload:
        importlib.import_module(module)


def _die_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)
