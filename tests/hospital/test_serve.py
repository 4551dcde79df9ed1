"""`hospital serve` over HTTPS on a name, and on a server of somebody else's."""

import asyncio
import datetime as dt
import os
import ssl
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from hospital.commands.serve import serve
from hospital.processes import child, free_port
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.staff.api import NewAccount, Role, add_account
from tests.conftest import PASSWORD, RealDatabase

pytestmark = pytest.mark.slow


def certificate_for(name: str, folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate of this DNS name and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(utc_now() - dt.timedelta(days=1))
        .not_valid_after(utc_now() + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(made.public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate_file, key_file


async def answer_when_up(client: httpx.AsyncClient, path: str) -> httpx.Response:
    async with asyncio.timeout(60):
        while True:
            try:
                return await client.get(path)
            except httpx.TransportError:
                await asyncio.sleep(0.1)


async def test_the_staff_site_runs_on_https_with_cookies_for_https_only(
    real_db: RealDatabase, tmp_path: Path
) -> None:
    certificate, key = certificate_for("lanh.test", tmp_path)
    port = free_port()
    account = NewAccount(new_id(), "nhanvien", "Trần Thị Thử", "", "K01", frozenset({Role.NURSE}), PASSWORD)
    async with real_db.sessions.begin() as session:
        await add_account(session, account, settings=real_db.settings.kernel, now=utc_now())
    environment = os.environ | {
        "DATABASE_URL": real_db.url,
        "HOSPITAL_DATA_DIR": str(tmp_path),
        "HOSPITAL_BASE_URL": f"https://lanh.test:{port}",
        "HOSPITAL_SECURE_COOKIES": "true",
        "HOSPITAL_CPU_WORKERS": "0",
        "HOSPITAL_INLINE_WORKER": "false",
        "HOSPITAL_ARGON2_MEMORY_KIB": "64",
    }
    arguments = ["serve", "--port", str(port), "--certificate", str(certificate), "--key", str(key)]
    trust = ssl.create_default_context(cafile=str(certificate))
    with child(*arguments, environment=environment, log=tmp_path / "log"):
        headers = {"Host": f"lanh.test:{port}"}
        async with httpx.AsyncClient(
            base_url=f"https://127.0.0.1:{port}", verify=trust, headers=headers
        ) as client:
            client.event_hooks["request"] = [name_the_server]
            page = await answer_when_up(client, "/login")
            assert page.status_code == 200
            token = page.cookies["lanh_csrf"]
            signed = await client.post(
                "/api/login",
                json={"username": "nhanvien", "password": PASSWORD},
                headers={"x-csrf-token": token},
            )
            assert signed.status_code == 200, signed.text
            assert "Secure" in signed.headers["set-cookie"]
            assert "HttpOnly" in signed.headers["set-cookie"]


async def name_the_server(request: httpx.Request) -> None:
    """The certificate is of a name; the socket is this machine's."""
    request.extensions["sni_hostname"] = "lanh.test"


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    certificate, _ = certificate_for("lanh.test", tmp_path)
    answer = CliRunner().invoke(serve, ["--certificate", str(certificate)])
    assert answer.exit_code == 1
    assert "--key" in answer.output


async def test_an_owners_url_still_runs_without_owner_rights(real_db: RealDatabase, tmp_path: Path) -> None:
    """With DATABASE_URL of the owner, the process takes the application's role: the log stays append-only."""
    port = free_port()
    environment = os.environ | {
        "DATABASE_URL": real_db.owner_url,
        "HOSPITAL_DATA_DIR": str(tmp_path),
        "HOSPITAL_CPU_WORKERS": "0",
    }
    with child("serve", "--port", str(port), environment=environment, log=tmp_path / "log"):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            assert (await answer_when_up(client, "/readyz")).json()["status"] == "ok"


async def test_any_of_several_web_processes_answers_for_all(real_db: RealDatabase, tmp_path: Path) -> None:
    port, asked = free_port(), 30
    environment = os.environ | {
        "DATABASE_URL": real_db.url,
        "HOSPITAL_DATA_DIR": str(tmp_path),
        "HOSPITAL_CPU_WORKERS": "0",
        "HOSPITAL_INLINE_WORKER": "false",
    }
    counted = 'lanh_requests_total{method="GET",route="/healthz",status="200"}'
    with child("serve", "--port", str(port), "--workers", "2", environment=environment, log=tmp_path / "log"):
        base_url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=base_url, headers={"connection": "close"}) as client:
            await answer_when_up(client, "/readyz")
            for _ in range(asked):
                assert (await client.get("/healthz")).status_code == 200
            for _ in range(4):  # Whichever of the two the kernel picks.
                figures = (await client.get("/metrics")).text
                found = [line for line in figures.splitlines() if line.startswith(counted)]
                assert [float(line.rpartition(" ")[2]) for line in found] == [asked]
