import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from hospital.processes import ROOT, free_port


def first_event(url: str) -> str:
    end = time.monotonic() + 20
    while True:
        try:
            with httpx.stream("GET", url, timeout=5) as answer:
                return next(answer.iter_lines())
        except httpx.TransportError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


@pytest.mark.slow
def test_open_live_screens_do_not_hold_a_stop_up(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "--port", str(port)]
    command += ["--workers-kill-timeout", "15", "tests.hospital.stream_app:create"]
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
    try:
        assert first_event(f"http://127.0.0.1:{port}/live") == "event: reload"
        with httpx.stream("GET", f"http://127.0.0.1:{port}/live", timeout=20) as screen:
            lines = screen.iter_lines()
            assert next(lines) == "event: reload"
            server.send_signal(signal.SIGTERM)
            assert list(lines)  # The stream ends by itself.
        assert server.wait(10) == 0
    finally:
        server.kill()
        server.wait()
    assert "stopped gracefully" in log.read_text()
    assert "refused to gracefully stop" not in log.read_text()
