"""The demo authority as a real server: poppler and our command ask it about certificates, as other people's programs do."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from hospital.commands.verify import verify
from hospital.demo.pki import DemoPki, ensure_pki
from hospital.processes import child, free_port, wait_until_it_answers
from kernel.clock import utc_now
from signing.keys import open_pkcs12
from tests.signing.acts import nss_database, run, sign, write_roots
from tests.signing.files import a_file
from tests.signing.holders import DOCTOR, PIN


@dataclass
class Served:
    pki: DemoPki
    folder: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    url = f"http://127.0.0.1:{port}"
    pki = ensure_pki(folder / "pki", [DOCTOR], base_url=url, pin=PIN, now=utc_now())
    environment = os.environ | {
        "HOSPITAL_DATA_DIR": str(folder),
        "HOSPITAL_BASE_URL": "http://127.0.0.1:9",
        "LANH_OUTSIDE_URL": url,
    }
    log = folder / "outside.log"
    with child("outside", "--port", str(port), environment=environment, log=log) as process:
        wait_until_it_answers(f"{url}/healthz", process, log)
        yield Served(pki, folder)


def test_pdfsig_trusts_and_stops_trusting_after_revocation(served: Served, tmp_path: Path) -> None:
    pki = served.pki
    signer = open_pkcs12(pki.key_file("bacsi").read_bytes(), PIN)
    root, issuing = write_roots(pki, tmp_path)
    database = nss_database(tmp_path, root, issuing)
    file, trust = tmp_path / "a.pdf", tmp_path / "trust.pem"
    file.write_bytes(sign(a_file(), signer, ["bac_si"])[0])
    trust.write_bytes(pki.trust_pem)
    said = run("pdfsig", "-nssdir", database, file)
    assert "Signature is Valid." in said
    assert "Certificate is Trusted." in said, said
    ours = CliRunner().invoke(verify, [str(file), "--trust", str(trust)])
    assert ours.exit_code == 0, ours.output
    assert "Còn hiệu lực, không bị thu hồi" in ours.output
    pki.revoke(signer.certificate, at=utc_now())
    file.write_bytes(sign(a_file(), signer, ["bac_si"])[0])
    assert "Certificate has been Revoked." in run("pdfsig", "-nssdir", database, file)
    refused = CliRunner().invoke(verify, [str(file), "--trust", str(trust)])
    assert refused.exit_code == 1
    assert "Chứng thư số đã bị thu hồi." in refused.output
