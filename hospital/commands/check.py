"""`hospital check`: look at this installation and say, in words, what is wrong and how to mend it."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from hospital.migrate import alembic_config
from hospital.postgres import PostgresUnavailable, find_binaries
from hospital.processes import ROOT
from hospital.settings import BadSetting, Settings, read_settings, shown

Finding = tuple[bool, str]


@click.command()
def check() -> None:
    """Khám hệ thống: in cấu hình đang dùng (giấu bí mật), nêu chỗ hỏng và cách sửa."""
    try:
        settings = read_settings()
    except BadSetting as error:
        raise click.ClickException(str(error)) from None
    for name, value in shown(settings).items():
        click.echo(f"  {name:<40}{value}")
    click.echo("")
    failed = False
    for good, sentence in findings(settings):
        click.echo(f"  {'tốt ' if good else 'HỎNG'}  {sentence}")
        failed = failed or not good
    if failed:
        raise SystemExit(1)


def findings(settings: Settings) -> Iterator[Finding]:
    yield _assets()
    yield _data_folder(settings.kernel.data_dir)
    yield _space(settings.kernel.data_dir)
    yield from _database(settings)
    yield _https(settings)


def _assets() -> Finding:
    manifest = ROOT / "kernel" / "web" / "vendor" / "manifest.json"
    return manifest.exists(), "Phông chữ và biểu tượng. Thiếu thì chạy: make assets"


def _data_folder(folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return (
            False,
            f"Thư mục dữ liệu {folder} không ghi được ({error.strerror}). Đổi HOSPITAL_DATA_DIR hoặc cấp quyền.",
        )
    return True, f"Thư mục dữ liệu {folder} ghi được."


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder if folder.exists() else Path.cwd()).free
    return free > 5 * 10**9, f"Còn {free / 10**9:.0f} GB đĩa. Dưới 5 GB thì chuyển dữ liệu hoặc thêm đĩa."


def _database(settings: Settings) -> Iterator[Finding]:
    if not settings.database_url:
        try:
            yield True, f"PostgreSQL nhúng: {find_binaries()}"
        except PostgresUnavailable as error:
            yield False, str(error)
        return
    newest = ScriptDirectory.from_config(alembic_config("")).get_current_head()
    try:
        found = asyncio.run(_schema_version(settings.database_url))
    except (DBAPIError, OSError) as error:
        yield False, f"Không vào được cơ sở dữ liệu của DATABASE_URL ({type(error).__name__})."
        return
    yield True, "Cơ sở dữ liệu trả lời."
    yield (
        found == newest,
        f"Lược đồ bản {found or 'trống'}, mã cần bản {newest}. Lệch thì chạy: hospital migrate",
    )


async def _schema_version(url: str) -> str | None:
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            there = await connection.scalar(text("SELECT to_regclass('alembic_version')"))
            if there is None:
                return None
            version: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
            return version
    finally:
        await engine.dispose()


def _https(settings: Settings) -> Finding:
    secure = settings.kernel.base_url.startswith("https://")
    if not secure:
        return (
            settings.kernel.demo
            or "127.0.0.1" in settings.kernel.base_url
            or "localhost" in settings.kernel.base_url,
            (
                "Địa chỉ HOSPITAL_BASE_URL chưa có HTTPS: khoá truy cập (passkey) và máy ảnh chỉ chạy trên HTTPS."
            ),
        )
    return settings.kernel.secure_cookies, "HTTPS cần HOSPITAL_SECURE_COOKIES=true."
