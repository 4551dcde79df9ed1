"""The first command of the README: a working hospital, twice, and nothing left behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from hospital.demo.known import DEMO_PASSWORD
from hospital.postgres import Cluster, data_home, find_binaries
from hospital.processes import ROOT, free_port
from kernel.ids import new_id

pytestmark = pytest.mark.slow


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

    outside_port, other = port + 1, free_port()
    refused = start_demo(data, other, tmp_path / "first.log", "--outside-port", str(other + 1))
    assert refused.wait(30) == 1
    assert f"ở cổng {outside_port}" in first_log.read_text()

    second = start_demo(data, other, second_log)  # Elsewhere: the certificates still name the first address.
    took = wait_for("Ctrl-C để dừng", second_log, second, 60)
    root = x509.load_pem_x509_certificate((data / "pki" / "issuing.pem").read_bytes())
    points = root.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    (name,) = next(iter(points)).full_name or []
    assert httpx.get(name.value).status_code == 200
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


def test_an_ordinary_user_runs_the_demo_and_ctrl_c_ends_all_of_it(open_folder: Path) -> None:
    """In a folder of its own, the embedded database included: no right of root is needed."""
    data, port, log = open_folder / "demo", free_port(), open_folder / "log"
    log.touch()
    process = start_demo(data, port, log, become=ordinary_user(), HOME=str(open_folder))
    try:
        wait_for("Ctrl-C để dừng", log, process, 90)
        assert httpx.get(f"http://127.0.0.1:{port}/login").status_code == 200
        assert os.stat(f"/proc/{process.pid}").st_uid != 0
        assert processes_naming(str(data / "postgres"))
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, log.read_text()
    assert processes_naming(str(data)) + processes_naming(str(port)) == []


def test_a_server_of_the_hospitals_own_is_used_and_none_is_started(cluster: Cluster, tmp_path: Path) -> None:
    name, port, log = "d" + new_id().hex, free_port(), tmp_path / "log"
    log.touch()
    psql = [str(find_binaries() / "psql"), "-h", str(cluster.socket_dir), "-U", cluster.owner]
    subprocess.run(
        [*psql, "-d", "postgres", "-c", f"CREATE DATABASE {name}"], check=True, capture_output=True
    )
    process = start_demo(tmp_path / "demo", port, log, DATABASE_URL=cluster.url(name))
    try:
        wait_for("Ctrl-C để dừng", log, process, 90)
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").json()["status"] == "ok"
        asked = [*psql, "-d", name, "-Atc", "SELECT count(*) FROM emr_patient"]
        assert subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip() == "300"
        assert not data_home(tmp_path / "demo").exists()
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, log.read_text()
        drop = f"DROP DATABASE {name} WITH (FORCE)"
        subprocess.run([*psql, "-d", "postgres", "-c", drop], check=True, capture_output=True)
