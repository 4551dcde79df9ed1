"""End live streams when the web process is asked to stop: the server waits for open answers before it ends."""

import asyncio
import signal
from collections.abc import Callable

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def call_before_stop(callback: Callable[[], None]) -> None:
    """Call `callback` when a stop signal arrives, then what the server installed for it.

    Without a server's handler in this event loop (tests, another server) nothing changes.
    """
    loop = asyncio.get_running_loop()
    installed: dict[int, asyncio.Handle] = getattr(loop, "_signal_handlers", {})
    for number in STOP_SIGNALS:
        theirs = installed.get(number)
        if theirs is not None:
            loop.add_signal_handler(number, _both, callback, theirs)


def _both(callback: Callable[[], None], theirs: asyncio.Handle) -> None:
    callback()
    run: Callable[[], None] = theirs._run
    run()
