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


def _start(data: Path, port: int) -> float:
    """Start the demo, wait for its table, stop it; return the seconds until the table."""
    begin = time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOSPITAL_")}
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "-u", "-m", "hospital", "demo", "--port", str(port), "--data", str(data)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    for line in process.stdout:
        if "Ctrl-C" in line:
            break
    took = time.perf_counter() - begin
    process.send_signal(signal.SIGINT)
    process.wait(30)
    return took


def main() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        first = _start(Path(folder) / "demo", free_port())
        second = _start(Path(folder) / "demo", free_port())
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import hospital.app"], cwd=ROOT, check=True)
    floor = time.perf_counter() - begin
    return [
        {
            "name": "first start with seed, wall",
            "value": first,
            "unit": "s",
            "floor": floor,
            "ratio": first / floor,
        },
        {
            "name": "second start, wall",
            "value": second,
            "unit": "s",
            "floor": floor,
            "ratio": second / floor,
            "budget": 10.0,
        },
    ]
