"""`hospital journey --out DIR`: a throw-away hospital, three people through all of it over HTTP, and the evidence."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import httpx
import msgspec

from hospital.demo.running import Hospital, running_hospital
from hospital.journey.clinic import as_json
from hospital.journey.proof import Paper, check_papers, write_audit
from hospital.journey.steps import Broken, Step, Steps
from hospital.journey.walk import Evidence, walk, write
from hospital.postgres import throw_away
from hospital.processes import NotAnswering
from hospital.settings import read_settings


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Thư mục ghi bằng chứng.")
def journey(out: Path) -> None:
    """Đi trọn đường của ba người bệnh; mã thoát 0 chỉ khi mọi bước đều đúng."""
    steps, evidence = Steps(_tell), Evidence()
    out.mkdir(parents=True, exist_ok=True)
    for name in [name for name in os.environ if name.startswith("HOSPITAL_")]:
        del os.environ[name]  # A throw-away hospital: this installation's own settings have no place in it.
    try:
        with tempfile.TemporaryDirectory(prefix="lanh-journey-") as folder, throw_away() as cluster:
            data = Path(folder)
            with running_hospital(data, database_url=cluster.app_url(), owner_url=cluster.url()) as hospital:
                _walk_and_prove(hospital, steps, evidence, out)
    except (Broken, NotAnswering) as error:
        write(evidence, out)
        _write_summary(out, steps, evidence, [])
        raise click.ClickException(str(error)) from None
    click.echo(
        f"{len(steps.done)} bước đều đúng; bằng chứng trong {out}. Số tiền {evidence.amount} đồng, {evidence.reference}."
    )


def _walk_and_prove(hospital: Hospital, steps: Steps, evidence: Evidence, out: Path) -> None:
    walk(hospital, steps, evidence)
    write(evidence, out)
    with steps.step("kiểm tra mọi chữ ký"):
        (out / "trust.pem").write_bytes(trust(hospital))
        papers = check_papers(out)
        reports = {paper.file: paper.report for paper in papers}
        (out / "verified.json").write_bytes(as_json(reports))
    with steps.step("nhật ký đủ và toàn vẹn"):
        write_audit(read_settings(hospital.environment), evidence.patients, out)
    _write_summary(out, steps, evidence, papers)


def trust(hospital: Hospital) -> bytes:
    """Who is believed in the demo: its certificate authority, and its tax office."""
    office = httpx.get(
        f"{hospital.outside_url}/outside/invoices/authority.pem", timeout=10
    ).raise_for_status()
    return (hospital.data_dir / "pki" / "trust.pem").read_bytes() + office.content


def _write_summary(out: Path, steps: Steps, evidence: Evidence, papers: Sequence[Paper]) -> None:
    summary = {
        "steps": steps.done,
        "reference": evidence.reference,
        "amount": evidence.amount,
        "documents": [
            {"file": paper.file, "sha256": paper.sha256, "signers": paper.signers} for paper in papers
        ],
    }
    (out / "summary.json").write_bytes(msgspec.json.format(msgspec.json.encode(summary)))


def _tell(step: Step) -> None:
    mark = "✓" if step.ok else "✗"
    click.echo(f"{mark} {step.name:<62}{step.ms:>9.0f} ms {step.error}")
