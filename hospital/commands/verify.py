"""`hospital verify FILE…`: the verification report of signed PDF or XML files, in Vietnamese."""

import asyncio
from datetime import datetime
from pathlib import Path

import click
import httpx
import msgspec

from hospital.settings import read_settings
from kernel.clock import utc_now
from kernel.problems import Problem
from signing.api import Report, SignatureReport, TrustList, context_for, verify_offline
from signing.verification.report import clock


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--trust",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="PEM của các tổ chức chứng thực được tin; mặc định: của hệ thống này.",
)
@click.option("--json", "as_json", is_flag=True, help="In báo cáo dạng JSON, mỗi tệp một dòng.")
@click.option("--offline", is_flag=True, help="Không hỏi OCSP/CRL qua mạng.")
def verify(files: tuple[Path, ...], trust: Path | None, as_json: bool, offline: bool) -> None:
    """Kiểm tra chữ ký của một hay nhiều tệp PDF hoặc XML. Mã thoát 0 chỉ khi mọi chữ ký của mọi tệp hợp lệ."""
    roots = TrustList.from_pem(trust.read_bytes()) if trust else _own_trust()
    worst = 0
    for number, file in enumerate(files):
        if number and not as_json:
            click.echo("")
        worst = max(worst, _tell(file, roots, as_json=as_json, offline=offline))
    raise SystemExit(worst)


def _tell(file: Path, roots: TrustList, *, as_json: bool, offline: bool) -> int:
    """Print one file's report; returns 0 valid, 1 not valid, 2 not readable."""
    try:
        report = asyncio.run(_verify(file.read_bytes(), roots, offline=offline, now=utc_now()))
    except Problem as refused:
        if as_json:
            click.echo(msgspec.json.encode({"valid": False, "summary": refused.detail}).decode())
        else:
            click.echo(f"Không kiểm tra được {file.name}: {refused.detail}")
        return 2
    click.echo(msgspec.json.encode(report).decode() if as_json else describe(file.name, report))
    return 0 if report.valid else 1


def _own_trust() -> TrustList:
    settings = read_settings()
    trust = context_for(settings.kernel, settings.signing).trust
    if not trust.roots:
        click.echo(
            "Chưa có danh sách tổ chức chứng thực được tin cậy (HOSPITAL_SIGNING_TRUST_FILE hoặc --trust).",
            err=True,
        )
    return trust


async def _verify(data: bytes, trust: TrustList, *, offline: bool, now: datetime) -> Report:
    async with httpx.AsyncClient() as http:
        return await verify_offline(data, trust, now=now, http=None if offline else http)


def describe(name: str, report: Report) -> str:
    """Write the report for a terminal."""
    lines = [f"Tệp: {name} ({report.size} byte)", f"SHA-256: {report.sha256}", report.summary]
    lines += [f"! {warning}" for warning in report.warnings]
    for number, signature in enumerate(report.signatures, 1):
        lines += ["", *_signature_lines(number, signature)]
    return "\n".join(lines)


def _signature_lines(number: int, signature: SignatureReport) -> list[str]:
    valid_from, valid_to = signature.valid_from, signature.valid_to
    facts = [
        ("Người ký", " · ".join(part for part in (signature.signer, signature.title, signature.uid) if part)),
        *([("Tư cách ký", signature.reason)] if signature.reason else []),
        ("Đơn vị", signature.organisation),
        ("Tổ chức cấp chứng thư", signature.issuer),
        ("Số chứng thư", signature.serial),
        ("Hiệu lực chứng thư", f"{clock(valid_from)} – {clock(valid_to)}" if valid_from and valid_to else ""),
        ("Thời điểm ký (khai)", clock(signature.claimed_at) if signature.claimed_at else ""),
        (
            "Dấu thời gian",
            f"{clock(signature.stamped_at)} ({signature.stamped_by})" if signature.stamped_at else "không có",
        ),
        ("Toàn vẹn", "nguyên vẹn" if signature.intact else "KHÔNG nguyên vẹn"),
        ("Trạng thái chứng thư khi ký", signature.status_text),
        ("Thuật toán", signature.scheme or "không rõ"),
        ("Mức", signature.level or "–"),
        ("Sau khi ký", signature.changes),
    ]
    lines = [f"Chữ ký {number} ({signature.field}): {signature.verdict.upper()}"]
    if signature.person is not None:
        person = signature.person
        lines += [
            f"  Người bệnh hoặc đại diện: {person.who}",
            f"  Cách ký: {person.words}, lúc {clock(person.signed_at)}",
            f"  Nhân viên chứng kiến: {person.staff}",
            f"  Văn bản đã xem (SHA-256): {person.text_sha256}",
            *(f"  {line}" for line in person.lines),
            "  Niêm phong bởi:",
        ]
    lines += [f"  {label}: {value}" for label, value in facts if value]
    lines += [f"  ✗ {reason}" for reason in signature.reasons]
    lines += [f"  ! {warning}" for warning in signature.warnings]
    return lines
