"""The steps of a walk: named, timed, and each either held or not."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from msgspec import Struct

Found = TypeVar("Found")


class Step(Struct):
    name: str
    ok: bool
    ms: float
    error: str = ""


class Broken(AssertionError):
    """A step did not hold; the walk ends here."""


class Steps:
    """What was done so far. `tell` hears each finished step."""

    def __init__(self, tell: Callable[[Step], None] = lambda _: None) -> None:
        self.done: list[Step] = []
        self._tell = tell

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step. Raises Broken, with the step's name, whatever went wrong inside."""
        begin = time.perf_counter()
        try:
            yield
        except Exception as error:
            self._add(Step(name, ok=False, ms=_ms(begin), error=f"{type(error).__name__}: {error}"))
            raise Broken(f"{name}: {error}") from error
        self._add(Step(name, ok=True, ms=_ms(begin)))

    def _add(self, step: Step) -> None:
        self.done.append(step)
        self._tell(step)


def _ms(begin: float) -> float:
    return round((time.perf_counter() - begin) * 1000, 1)


def wait_for(look: Callable[[], Found | None], *, what: str, seconds: float = 20.0) -> Found:
    """Look again until there is something. Raises Broken when it does not come in time."""
    end = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        if time.monotonic() > end:
            raise Broken(f"chờ {seconds:.0f} giây mà không thấy {what}")
        time.sleep(0.05)
