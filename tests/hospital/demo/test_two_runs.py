"""The first command of the README: a working hospital, twice, and nothing left behind."""

import asyncio
import signal
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from hospital.demo.known import DEMO_PASSWORD
from hospital.demo.pki import DemoPki
from hospital.processes import free_port
from kernel.clock import utc_now
from signing.status import Standing, StatusClient
from signing.timestamps import TimestampClient
from signing.trust import TrustList
from tests.hospital.demo.command import processes_naming, start_demo, wait_for

pytestmark = pytest.mark.slow


async def authorities_answer(data: Path, outside_port: int) -> None:
    """Status by OCSP, at the addresses the certificates name, and timestamps are there as at the first start."""
    pki, now = DemoPki(data / "pki"), utc_now()
    trust = TrustList.from_pem(pki.trust_pem, demo=True)
    path = trust.path(pki.certificate("bacsi"), at=now)
    assert path is not None
    async with httpx.AsyncClient() as client:
        answers = await StatusClient(client).ask_path(path, now=now)
        assert [(answer.standing, bool(answer.ocsp)) for answer in answers] == [(Standing.GOOD, True)] * 2
        tsa = f"http://127.0.0.1:{outside_port}/outside/pki/tsa"
        assert await TimestampClient(client, (tsa,), trust).stamp(b"again", now=now) is not None


def test_the_demo_starts_twice_keeps_its_data_and_leaves_no_process(tmp_path: Path) -> None:
    data, port = tmp_path / "demo", free_port()
    first_log, second_log = tmp_path / "first.log", tmp_path / "second.log"
    first_log.touch()
    second_log.touch()
    first = start_demo(data, port, first_log)
    wait_for("Ctrl-C để dừng", first_log, first)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        client.get("/login")
        answer = client.post("/api/login", json={"username": "bacsi", "password": DEMO_PASSWORD})
        assert answer.json()["name"] == "Lê Minh Tuấn"
        signed_in = client.cookies
    first.send_signal(signal.SIGINT)
    assert first.wait(30) == 0, first_log.read_text()
    assert processes_naming(str(port)) == []

    outside_port, other = port + 1, free_port()
    refused = start_demo(data, other, tmp_path / "first.log", "--outside-port", str(other + 1))
    assert refused.wait(30) == 1
    assert f"ở cổng {outside_port}" in first_log.read_text()

    second = start_demo(data, other, second_log)  # Elsewhere: the certificates still name the first address.
    wait_for("Ctrl-C để dừng", second_log, second)
    with httpx.Client(base_url=f"http://127.0.0.1:{other}", cookies=signed_in) as client:
        assert client.get("/api/me").json()["name"] == "Lê Minh Tuấn"  # Still signed in.
    root = x509.load_pem_x509_certificate((data / "pki" / "issuing.pem").read_bytes())
    points = root.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    (name,) = next(iter(points)).full_name or []
    assert httpx.get(name.value).status_code == 200
    asyncio.run(authorities_answer(data, outside_port))
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0
    assert processes_naming(str(data)) == []
