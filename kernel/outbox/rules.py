"""When to try again, and what of an error may be kept."""

import traceback
from datetime import timedelta

from msgspec import Struct

from kernel.problems import Problem

_SAFE_TEXT = (Problem, OSError, TimeoutError)
_ERROR_LETTERS = 500


class Backoff(Struct, frozen=True):
    """How a kind of job is tried again: base × 2ⁿ seconds up to a cap, spread by ± 50 %."""

    attempts: int = 12
    base_seconds: float = 2.0
    cap_seconds: float = 900.0

    def delay(self, attempt: int, spread: float) -> timedelta:
        """Return the pause after failed attempt 1, 2, …; `spread` is a random number in [0, 1)."""
        seconds = min(self.cap_seconds, self.base_seconds * 2 ** min(attempt - 1, 40))
        return timedelta(seconds=seconds * (0.5 + spread))


class TryLater(Exception):
    """A handler asks to be called again after a pause, whatever its back-off says. The text says why."""

    def __init__(self, reason: str, *, after: timedelta) -> None:
        super().__init__(reason)
        self.after = after


class GiveUp(Exception):
    """A handler knows that trying again is useless: the job is dead at once. The text says why."""


def describe_error(error: BaseException) -> str:
    """Say what failed and where, without values: an error's own text may carry patient data."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "site-packages" not in f.filename and "/lib/python" not in f.filename]
    place = f" at {ours[-1].filename.rsplit('/', 2)[-1]}:{ours[-1].lineno} {ours[-1].name}" if ours else ""
    detail = f": {error}" if isinstance(error, (*_SAFE_TEXT, TryLater, GiveUp)) else ""
    return f"{type(error).__name__}{detail}{place}"[:_ERROR_LETTERS]
