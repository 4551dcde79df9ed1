"""Bounds of time and memory for files that strangers send: a small file may unfold into gigabytes."""

import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from kernel.problems import Refused

MEMORY_BYTES = 512_000_000
SECONDS = 20.0
TOO_HEAVY = "Tệp khi mở ra quá lớn hoặc quá phức tạp nên không kiểm tra."


class FileTooHeavy(Refused):
    """Reading the file took more memory or time than a document may."""

    slug = "file-too-heavy"


@contextmanager
def bounded(*, memory_bytes: int = MEMORY_BYTES, seconds: float = SECONDS) -> Iterator[None]:
    """Let this process take so much more memory and, in its main thread, so much time. Raises FileTooHeavy."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    clock = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGALRM, _ring) if clock else None
    if clock:
        signal.setitimer(signal.ITIMER_REAL, seconds)
    resource.setrlimit(resource.RLIMIT_AS, (used + memory_bytes, hard))
    try:
        yield
    except (MemoryError, TimeoutError) as error:
        raise FileTooHeavy(TOO_HEAVY) from error
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        if clock:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _ring(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError
