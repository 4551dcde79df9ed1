"""The demo of somebody without rights, embedded database included."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hospital.processes import free_port
from tests.hospital.demo.command import processes_naming, start_demo, wait_for

pytestmark = pytest.mark.slow


def ordinary_user() -> list[str]:
    """The words that turn a command into one of `nobody` without rights; none when we are an ordinary user already."""
    if os.geteuid() != 0:
        return []
    become = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    reads = [*become, "/bin/sh", "-c", f"test -x {sys.executable}"]
    if subprocess.run(reads, check=False).returncode == 0:
        return become
    # The interpreter lies in root's own folder: it may be read there, and nothing may be written anywhere.
    return [*become, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the ordinary user owns and can reach: pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="lanh-demo-") as name:
        if os.geteuid() == 0:
            shutil.chown(name, "nobody", "nogroup")
        yield Path(name)


def test_an_ordinary_user_runs_the_demo_and_ctrl_c_ends_all_of_it(open_folder: Path) -> None:
    """In a folder of its own, the embedded database included: no right of root is needed."""
    data, port, log = open_folder / "demo", free_port(), open_folder / "log"
    log.touch()
    process = start_demo(data, port, log, become=ordinary_user(), HOME=str(open_folder))
    try:
        wait_for("Ctrl-C để dừng", log, process)
        assert httpx.get(f"http://127.0.0.1:{port}/login").status_code == 200
        assert os.stat(f"/proc/{process.pid}").st_uid != 0
        assert processes_naming(str(data / "postgres"))
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, log.read_text()
    assert processes_naming(str(data)) + processes_naming(str(port)) == []
