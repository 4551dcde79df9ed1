"""The main job over HTTP: `hospital journey` leaves what it promises, and other eyes agree."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from hospital.processes import ROOT
from tests.signing.acts import nss_database, run

pytestmark = [pytest.mark.slow]

PROMISED = {
    "record.pdf",
    "prescription.pdf",
    "consent.pdf",
    "discharge.pdf",
    "remote.pdf",
    "verified.json",
    "qr.png",
    "qr.txt",
    "notice.json",
    "notice.headers.json",
    "receipt.pdf",
    "bill.pdf",
    "invoice.xml",
    "invoice.pdf",
    "portal.json",
    "audit.jsonl",
    "trust.pem",
    "summary.json",
}


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("journey")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOSPITAL_")}
    command = [sys.executable, "-m", "hospital", "journey", "--out", str(out)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def summary(walked: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((walked / "summary.json").read_text())
    return found


def test_every_promised_file_is_there(walked: Path) -> None:
    assert {path.name for path in walked.iterdir()} == PROMISED
    assert all(path.stat().st_size > 20 for path in walked.iterdir())


def test_every_step_held(summary: dict[str, Any]) -> None:
    assert len(summary["steps"]) > 20
    assert [step["name"] for step in summary["steps"] if not step["ok"]] == []
    assert summary["amount"] > 0


def test_the_summary_names_each_document_with_its_hash_and_signers(
    walked: Path, summary: dict[str, Any]
) -> None:
    documents = {paper["file"]: paper for paper in summary["documents"]}
    assert {"record.pdf", "consent.pdf", "remote.pdf", "discharge.pdf", "invoice.xml"} <= set(documents)
    for name, paper in documents.items():
        assert hashlib.sha256((walked / name).read_bytes()).hexdigest() == paper["sha256"]
        assert paper["signers"]
    assert len(documents["discharge.pdf"]["signers"]) == 2


def test_the_picture_of_the_code_reads_as_the_payload(walked: Path, summary: dict[str, Any]) -> None:
    read = zxingcpp.read_barcodes(Image.open(walked / "qr.png"))
    payload = (walked / "qr.txt").read_text()
    assert [code.text for code in read] == [payload]
    assert summary["reference"] in payload
    assert f"54{len(str(summary['amount'])):02d}{summary['amount']}" in payload


def test_the_notice_carries_the_reference_and_its_signature(walked: Path, summary: dict[str, Any]) -> None:
    notice = json.loads((walked / "notice.json").read_text())
    headers = {
        name.lower(): value
        for name, value in json.loads((walked / "notice.headers.json").read_text()).items()
    }
    assert summary["reference"] in notice["content"]
    assert notice["transferAmount"] == summary["amount"]
    assert headers["x-sepay-signature"].startswith("sha256=")


def test_a_relative_signed_by_hand_the_hospital_sealed_it_and_the_doctor_signed_after(walked: Path) -> None:
    report = json.loads((walked / "verified.json").read_text())["consent.pdf"]
    assert report["valid"]
    by_hand, doctor = report["signatures"]
    assert by_hand["person"]["name"] == "Lê Thị Mẫu Bốn"
    assert doctor["signer"] == "Lê Minh Tuấn"
    assert [signature["field"] for signature in report["signatures"]] == ["nguoi_benh", "nhan_vien"]


def test_a_paper_was_signed_by_a_phone(walked: Path) -> None:
    report = json.loads((walked / "verified.json").read_text())["remote.pdf"]
    assert report["valid"]
    [signature] = report["signatures"]
    assert (signature["signer"], signature["level"]) == ("Phạm Thu Hương", "B-T")


def test_every_signed_paper_has_its_report(walked: Path, summary: dict[str, Any]) -> None:
    reports = json.loads((walked / "verified.json").read_text())
    assert set(reports) == {paper["file"] for paper in summary["documents"]}
    assert all(report["valid"] for report in reports.values())


@pytest.mark.parametrize(("name", "count"), [("remote.pdf", 1), ("consent.pdf", 2), ("discharge.pdf", 2)])
def test_pdfsig_says_valid(walked: Path, tmp_path: Path, name: str, count: int) -> None:
    end = "-----END CERTIFICATE-----\n"
    files = []
    for number, block in enumerate((walked / "trust.pem").read_text().split(end)[:-1]):
        files.append(tmp_path / f"{number}.pem")
        files[-1].write_text(block + end)
    said = run("pdfsig", "-nssdir", nss_database(tmp_path, *files), "-nocert", walked / name)
    assert said.count("Signature is Valid.") == count, said


@pytest.mark.parametrize(
    "name", ["record.pdf", "prescription.pdf", "consent.pdf", "discharge.pdf", "remote.pdf"]
)
def test_qpdf_finds_no_fault(walked: Path, name: str) -> None:
    done = subprocess.run(["qpdf", "--check", walked / name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_changed_byte_is_found(walked: Path, tmp_path: Path) -> None:
    data = bytearray((walked / "record.pdf").read_bytes())
    data[len(data) // 3] ^= 1
    forged = tmp_path / "forged.pdf"
    forged.write_bytes(data)
    command = [
        sys.executable,
        "-m",
        "hospital",
        "verify",
        str(forged),
        "--offline",
        "--trust",
        str(walked / "trust.pem"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0


def test_the_log_tells_who_saw_the_record(walked: Path) -> None:
    rows = [json.loads(line) for line in (walked / "audit.jsonl").read_text().splitlines()]
    assert len({row["patient_id"] for row in rows}) == 3
    assert {"view", "create", "sign"} <= {row["action"] for row in rows}


def test_an_existing_hospitals_settings_do_not_leak_into_the_walk(walked: Path) -> None:
    portal = json.loads((walked / "portal.json").read_text())
    assert len(portal["receipts"]) == 2
    assert portal["bookings"]
