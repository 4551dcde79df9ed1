"""The demo on a database server that the hospital already has."""

import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from hospital.postgres import Cluster, data_home, find_binaries
from hospital.processes import free_port
from kernel.ids import new_id
from tests.hospital.demo.command import start_demo, wait_for

pytestmark = pytest.mark.slow

IN_THE_BACKGROUND = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh"]
"""As a script's `make demo &` starts it: with Ctrl-C ignored. It must end at a SIGINT all the same."""


def test_a_server_of_the_hospitals_own_is_used_and_none_is_started(cluster: Cluster, tmp_path: Path) -> None:
    name, port, log = "d" + new_id().hex, free_port(), tmp_path / "log"
    log.touch()
    psql = [str(find_binaries() / "psql"), "-h", str(cluster.socket_dir), "-U", cluster.owner]
    subprocess.run(
        [*psql, "-d", "postgres", "-c", f"CREATE DATABASE {name}"], check=True, capture_output=True
    )
    process = start_demo(
        tmp_path / "demo", port, log, become=IN_THE_BACKGROUND, DATABASE_URL=cluster.url(name)
    )
    try:
        wait_for("Ctrl-C để dừng", log, process)
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").json()["status"] == "ok"
        asked = [*psql, "-d", name, "-Atc", "SELECT count(*) FROM emr_patient"]
        assert subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip() == "300"
        assert not data_home(tmp_path / "demo").exists()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, log.read_text()
        drop = f"DROP DATABASE {name} WITH (FORCE)"
        subprocess.run([*psql, "-d", "postgres", "-c", drop], check=True, capture_output=True)
