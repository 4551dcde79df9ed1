"""A small application with a live stream, for the test that stops it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from litestar import Litestar, get
from litestar.datastructures import State
from litestar.response import ServerSentEvent

from hospital.stopping import call_before_stop
from kernel.live import stream
from kernel.wake import Wake


@get("/live", sync_to_thread=False)
def live(state: State) -> ServerSentEvent:
    return stream(state.wake, "x")


@asynccontextmanager
async def run(app: Litestar) -> AsyncGenerator[None, None]:
    app.state.wake = Wake()
    call_before_stop(app.state.wake.end_streams)
    yield
    print("stopped gracefully", flush=True)


def create() -> Litestar:
    return Litestar([live], lifespan=[run], logging_config=None)
