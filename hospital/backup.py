"""A consistent copy of database and objects with a manifest of hashes, and its way back with proof.

The dump is taken first: objects are only ever added, so every object that the dump names is there to be copied.
"""

import asyncio
import hashlib
import shutil
import subprocess
from pathlib import Path

import msgspec
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from hospital.postgres import find_binaries
from hospital.settings import Settings
from kernel.clock import Instant

DUMP, OBJECTS, MANIFEST = "database.dump", "objects", "manifest.json"


class BackupRefused(RuntimeError):
    """The text says why and what to do, in Vietnamese."""


class Manifest(Struct, frozen=True):
    """What a backup holds. `files`: path below the folder → SHA-256. `rows`: table → number of rows."""

    made_at: Instant
    schema: str
    rows: dict[str, int]
    files: dict[str, str]


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _libpq(url: str) -> str:
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [find_binaries() / program, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BackupRefused(f"{program} thất bại:\n{done.stderr[-2000:]}")


async def _count_rows(owner_url: str) -> tuple[str, dict[str, int]]:
    """Return the schema's version and the number of rows of each table."""
    engine = create_async_engine(owner_url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            tables = await connection.scalars(
                text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
            )
            counts = {
                name: int(await connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0)  # noqa: S608  (from pg_tables)
                for name in tables.all()
            }
            version = ""
            if counts:
                version = str(await connection.scalar(text("SELECT version_num FROM alembic_version")))
            return version, counts
    finally:
        await engine.dispose()


def make_backup(settings: Settings, folder: Path, *, now: Instant) -> Manifest:
    """Write a backup into an empty or new folder. Raises BackupRefused."""
    if folder.exists() and any(folder.iterdir()):
        raise BackupRefused(f"Thư mục {folder} không trống. Chọn thư mục mới cho mỗi bản sao lưu.")
    if settings.kernel.object_store:
        raise BackupRefused(
            "Kho tệp ở S3: hãy dùng bản sao của nhà cung cấp kho; lệnh này chỉ chép kho trong thư mục."
        )
    folder.mkdir(parents=True, exist_ok=True)
    _run(
        "pg_dump",
        "--format=custom",
        "--no-owner",
        f"--file={folder / DUMP}",
        f"--dbname={_libpq(settings.owner_url)}",
    )
    source = settings.kernel.data_dir / OBJECTS
    if source.is_dir():
        shutil.copytree(source, folder / OBJECTS)
    version, rows = asyncio.run(_rows_of_dump(folder, settings))
    files = {
        str(path.relative_to(folder)): digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    manifest = Manifest(made_at=now, schema=version, rows=rows, files=files)
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


async def _rows_of_dump(folder: Path, settings: Settings) -> tuple[str, dict[str, int]]:
    """Count what is really in the dump, by reading it, so that a hospital may go on working meanwhile."""
    program = await asyncio.to_thread(find_binaries)
    version, tables = await _count_rows(settings.owner_url)
    reader = await asyncio.create_subprocess_exec(
        program / "pg_restore", "--data-only", "--file=-", str(folder / DUMP), stdout=asyncio.subprocess.PIPE
    )
    assert reader.stdout
    counts, table = dict.fromkeys(tables, 0), ""
    async for line in reader.stdout:
        if table:
            if line == b"\\.\n":
                table = ""
            else:
                counts[table] += 1
        elif line.startswith(b"COPY public."):
            table = line.split()[1].decode().removeprefix("public.").strip('"')
    if await reader.wait():
        raise BackupRefused("Bản sao lưu vừa ghi không đọc lại được. Kiểm tra đĩa rồi chạy lại.")
    return version, counts


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest and prove every file against it. Raises BackupRefused."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError):
        raise BackupRefused(
            f"Không đọc được {folder / MANIFEST}: đây không phải bản sao lưu của Lành."
        ) from None
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file() or digest(path) != expected:
            raise BackupRefused(f"Tệp {name} thiếu hoặc đã bị thay đổi so với lúc sao lưu. Không khôi phục.")
    return manifest


def restore_backup(settings: Settings, folder: Path) -> Manifest:
    """Bring a backup into an empty database and an empty object folder, then count and compare. Raises BackupRefused."""
    manifest = read_manifest(folder)
    _, rows = asyncio.run(_count_rows(settings.owner_url))
    objects = settings.kernel.data_dir / OBJECTS
    if rows or (objects.exists() and any(objects.iterdir())):
        raise BackupRefused(
            "Chỉ khôi phục vào nơi trống: cơ sở dữ liệu hoặc thư mục dữ liệu này đã có dữ liệu."
        )
    _run(
        "pg_restore",
        "--no-owner",
        "--exit-on-error",
        f"--dbname={_libpq(settings.owner_url)}",
        str(folder / DUMP),
    )
    if (folder / OBJECTS).is_dir():
        shutil.copytree(folder / OBJECTS, objects, dirs_exist_ok=True)
    version, found = asyncio.run(_count_rows(settings.owner_url))
    if (version, found) != (manifest.schema, manifest.rows):
        raise BackupRefused(
            "Số dòng sau khi khôi phục không khớp bản sao lưu. Giữ nguyên hiện trạng và gọi hỗ trợ."
        )
    return manifest
