"""The command `hospital demo` as a process, its words and what it leaves."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from hospital.processes import ROOT


def start_demo(
    data: Path, port: int, log: Path, *options: str, become: Sequence[str] = (), **more: str
) -> subprocess.Popen[bytes]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HOSPITAL_", "DATABASE_URL", "PYTEST_"))
    }
    command = [sys.executable, "-u", "-m", "hospital", "demo", "--port", str(port), "--data", str(data)]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*become, *command, *options],
            cwd=ROOT,
            env=environment | more,
            stdout=output,
            stderr=output,
        )


def wait_for(text: str, log: Path, process: subprocess.Popen[bytes], seconds: float = 90) -> None:
    """Return once the demo has written this."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if text in log.read_text():
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def processes_naming(words: str) -> list[str]:
    """Command lines of living processes that contain these words."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in line:
            found.append(line)
    return found
