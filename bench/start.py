"""How long the second `hospital demo` takes until a browser gets an answer, and what a start costs at least: the imports."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from hospital.processes import ROOT, free_port

STOP_SECONDS = 120
"""Three child processes and a database that flushes its pages end one after the other."""


def _start(data: Path, port: int) -> float:
    """Start the demo, wait for its table, stop it; return the seconds until the table. Raises RuntimeError."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOSPITAL_")}
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "-u", "-m", "hospital", "demo", "--port", str(port), "--data", str(data)]
    begin = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # Its Ctrl-C is not ours.
    )
    said = []
    try:
        assert process.stdout
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C" in line:
                return time.perf_counter() - begin
        raise RuntimeError("".join(["the demo did not start\n", *said[-20:]]))
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def main() -> list[dict[str, Any]]:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import hospital.app"], cwd=ROOT, check=True)
    floor = time.perf_counter() - begin
    with tempfile.TemporaryDirectory() as folder:
        first = _start(Path(folder) / "demo", free_port())
        second = _start(Path(folder) / "demo", free_port())
    rows: list[dict[str, Any]] = [
        {"name": "first start with seed", "value": first},
        {"name": "second start", "value": second, "budget": 10.0},
    ]
    for row in rows:
        row |= {"unit": "s wall", "floor": floor, "ratio": row["value"] / floor}
        row["floor_text"] = f"{floor:.2f} the imports"
    return rows
