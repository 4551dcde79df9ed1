"""`hospital audit verify`: recompute the sealed log and say whether it holds."""

import asyncio
from pathlib import Path

import click
import msgspec
from msgspec.structs import replace

from hospital.commands.database import database
from hospital.settings import Settings, read_settings
from kernel.audit.signer import FileSigner
from kernel.audit.verify import Verdict, verify_audit
from kernel.db import make_engine, make_sessions


@click.group()
def audit() -> None:
    """Nhật ký truy cập."""


@audit.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=None,
    help="Thư mục dữ liệu (mặc định HOSPITAL_DATA_DIR).",
)
@click.option("--json", "as_json", is_flag=True, help="In kết quả dạng JSON.")
def verify(data: Path | None, as_json: bool) -> None:
    """Chứng minh nhật ký không bị sửa; mã thoát 0 chỉ khi toàn vẹn."""
    settings = read_settings()
    if data:
        settings = replace(settings, kernel=replace(settings.kernel, data_dir=data))
    with database(settings) as ready:
        verdict = asyncio.run(check(ready))
    click.echo(msgspec.json.encode(verdict).decode() if as_json else "\n".join(verdict.lines()))
    if not verdict.ok:
        raise SystemExit(1)


async def check(settings: Settings) -> Verdict:
    """Read the log through the application's role, in one read-only transaction."""
    engine = make_engine(settings.database_url, pool_size=1)
    try:
        async with make_sessions(engine)() as session:
            return await verify_audit(session, FileSigner(settings.kernel.data_dir))
    finally:
        await engine.dispose()
