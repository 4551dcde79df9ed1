"""A port of somebody else's is refused in words."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.hospital.demo.command import start_demo

pytestmark = pytest.mark.slow


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
