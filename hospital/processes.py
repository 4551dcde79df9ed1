"""Start child processes of the house, wait until they answer, and leave none behind."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent
PARENT = "LANH_DIES_WITH_PARENT"


class NotAnswering(RuntimeError):
    """A child process ended or did not answer in time; the text holds the end of its log."""


def die_with_parent() -> None:
    """Ask Linux to stop this process when the program that started it ends, however it ends."""
    if os.environ.get(PARENT) and sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_it_answers(
    url: str, process: subprocess.Popen[bytes], log: Path, *, timeout_seconds: float = 40
) -> None:
    """Poll until the address answers 200. Raises NotAnswering."""
    end = time.monotonic() + timeout_seconds
    while time.monotonic() < end and process.poll() is None:
        with (
            suppress(urllib.error.URLError, ConnectionError, TimeoutError),
            urllib.request.urlopen(url, timeout=2) as answer,  # noqa: S310  (our own http address)
        ):
            if answer.status == 200:
                return
        time.sleep(0.05)
    raise NotAnswering(f"{url} không trả lời.\n{log.read_text(errors='replace')[-4000:]}")


def wait_until_it_ends(process: subprocess.Popen[bytes], log: Path, *, timeout_seconds: float = 300) -> None:
    """Wait for a child that has something to do and ends. Raises NotAnswering when it fails or takes too long."""
    with suppress(subprocess.TimeoutExpired):
        if process.wait(timeout_seconds) == 0:
            return
    raise NotAnswering(f"Bước chuẩn bị không xong.\n{log.read_text(errors='replace')[-4000:]}")


@contextmanager
def child(*arguments: str, environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m hospital ARGUMENTS`; stopped at the end, killed if it will not stop."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "hospital", *arguments],
            cwd=ROOT,
            env={**environment, PARENT: "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # A Ctrl-C in the terminal is ours to pass on, once.
        )
        try:
            yield process
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes], *, timeout_seconds: float = 10) -> None:
    """End a child and everything it started."""
    with suppress(ProcessLookupError):
        process.terminate()
        try:
            process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout_seconds)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
