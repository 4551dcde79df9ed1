"""What is written at the end: signatures checked, the audit log read and proven, the summary."""

import asyncio
import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text

from hospital.processes import ROOT
from hospital.settings import Settings
from kernel.audit.seal import seal
from kernel.audit.signer import FileSigner
from kernel.audit.verify import verify_audit
from kernel.db import make_engine, make_sessions

SIGNED = (
    "record.pdf",
    "prescription.pdf",
    "consent.pdf",
    "discharge.pdf",
    "remote.pdf",
    "receipt.pdf",
    "bill.pdf",
    "invoice.xml",
)


class Paper(Struct, frozen=True):
    """A document of the walk: its file, SHA-256 of the file, who signed it, and the whole report of `hospital verify`."""

    file: str
    sha256: str
    signers: list[str]
    report: dict[str, Any]


def check_papers(folder: Path) -> list[Paper]:
    """Verify each document with the product's own command, as a person would. Raises AssertionError."""
    command = [sys.executable, "-m", "hospital", "verify", *(str(folder / name) for name in SIGNED), "--json"]
    answer = subprocess.run(
        [*command, "--trust", str(folder / "trust.pem")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, f"{answer.stdout}{answer.stderr}"
    reports = [msgspec.json.decode(line) for line in answer.stdout.splitlines() if line.startswith("{")]
    return [_paper(folder, name, report) for name, report in zip(SIGNED, reports, strict=True)]


def _paper(folder: Path, name: str, report: dict[str, Any]) -> Paper:
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return Paper(name, digest, [signature["signer"] for signature in report["signatures"]], report)


async def _audit_rows(
    settings: Settings, patients: list[str]
) -> tuple[list[dict[str, Any]], bool, list[str]]:
    engine = make_engine(settings.database_url, pool_size=2)
    sessions = make_sessions(engine)
    try:
        async with sessions.begin() as session:
            await seal(session)
        async with sessions() as session:
            rows = await session.execute(
                text("SELECT * FROM kernel_audit WHERE patient_id = ANY(:patients) ORDER BY id"),
                {"patients": [UUID(patient) for patient in patients]},
            )
            found = [dict(row) for row in rows.mappings()]
            verdict = await verify_audit(session, FileSigner(settings.kernel.data_dir))
            return found, verdict.ok, verdict.lines()
    finally:
        await engine.dispose()


def write_audit(settings: Settings, patients: list[str], folder: Path) -> None:
    """Write every audit row about the three people, and prove the whole log. Raises AssertionError."""
    rows, good, lines = asyncio.run(_audit_rows(settings, patients))
    assert good, lines
    assert {row["action"] for row in rows} >= {"view", "create", "sign"}, {row["action"] for row in rows}
    (folder / "audit.jsonl").write_bytes(
        b"".join(msgspec.json.encode(row, enc_hook=str) + b"\n" for row in rows)
    )
