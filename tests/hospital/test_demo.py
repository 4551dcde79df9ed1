"""The first command of the README: a working hospital, twice, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from hospital.demo.seed import DEMO_PASSWORD
from hospital.processes import ROOT, free_port

pytestmark = pytest.mark.slow


def start_demo(data: Path, port: int, log: Path) -> subprocess.Popen[bytes]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HOSPITAL_", "DATABASE_URL", "PYTEST_"))
    }
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "hospital", "demo", "--port", str(port), "--data", str(data)],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
        )


def wait_for(text: str, log: Path, process: subprocess.Popen[bytes], seconds: float) -> float:
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        if text in log.read_text():
            return time.monotonic() - begin
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


def test_the_demo_starts_twice_keeps_its_data_and_leaves_no_process(tmp_path: Path) -> None:
    data, port = tmp_path / "demo", free_port()
    first_log, second_log = tmp_path / "first.log", tmp_path / "second.log"
    first_log.touch()
    second_log.touch()
    first = start_demo(data, port, first_log)
    wait_for("Ctrl-C để dừng", first_log, first, 90)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        client.get("/login")
        answer = client.post("/api/login", json={"username": "bacsi", "password": DEMO_PASSWORD})
        assert answer.json()["name"] == "Lê Minh Tuấn"
    first.send_signal(signal.SIGINT)
    assert first.wait(30) == 0, first_log.read_text()
    assert processes_naming(str(port)) == []

    second = start_demo(data, port, second_log)
    took = wait_for("Ctrl-C để dừng", second_log, second, 60)
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0
    assert processes_naming(str(data)) == []
    assert took < 20  # Under 10 s on its own (bench/start.py); the suite runs beside it on two cores.


def test_a_taken_port_is_refused_in_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    taken = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import socket,time; s=socket.create_server(('127.0.0.1',0)); print(s.getsockname()[1],flush=True); time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert taken.stdout
        port = int(taken.stdout.readline())
        process = start_demo(tmp_path / "demo", port, log)
        assert process.wait(30) == 1
        assert f"Cổng {port} đang có chương trình khác dùng" in log.read_text()
    finally:
        taken.kill()
        taken.wait()
        assert taken.stdout
        taken.stdout.close()
