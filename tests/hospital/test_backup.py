"""A backup is whole, comes back the same, and refuses what was touched."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from hospital.backup import BackupRefused, make_backup, restore_backup
from hospital.postgres import Cluster
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.objects import FolderStore
from kernel.staff.api import Role
from tests.conftest import RealDatabase


@pytest.fixture
def empty_settings(cluster: Cluster, settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """An empty database and folder to restore into."""
    name = "r" + new_id().hex

    async def run(statement: str) -> None:
        admin = create_async_engine(cluster.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        async with admin.connect() as connection:
            await connection.execute(text(statement))
        await admin.dispose()

    asyncio.run(run(f"CREATE DATABASE {name}"))
    yield replace(
        settings,
        database_url=cluster.app_url(name),
        owner_url=cluster.url(name),
        kernel=replace(settings.kernel, data_dir=tmp_path / "restored"),
    )
    asyncio.run(run(f"DROP DATABASE {name} WITH (FORCE)"))


async def a_hospital_with_data(real_db: RealDatabase) -> str:
    await real_db.sign_in(Role.DOCTOR)
    return await FolderStore(real_db.settings.kernel.data_dir / "objects").put(b"%PDF a signed record")


async def test_a_backup_comes_back_the_same(
    real_db: RealDatabase, empty_settings: Settings, tmp_path: Path
) -> None:
    key = await a_hospital_with_data(real_db)
    folder = tmp_path / "backup"
    made = await asyncio.to_thread(make_backup, real_db.settings, folder, now=utc_now())
    assert made.rows["kernel_staff_account"] == 1
    back = await asyncio.to_thread(restore_backup, empty_settings, folder)
    assert back == made
    assert await FolderStore(empty_settings.kernel.data_dir / "objects").get(key) == b"%PDF a signed record"


async def test_a_touched_backup_is_refused(
    real_db: RealDatabase, empty_settings: Settings, tmp_path: Path
) -> None:
    await a_hospital_with_data(real_db)
    folder = tmp_path / "backup"
    await asyncio.to_thread(make_backup, real_db.settings, folder, now=utc_now())
    dump = folder / "database.dump"
    dump.write_bytes(dump.read_bytes()[:-1] + b"x")
    with pytest.raises(BackupRefused, match="đã bị thay đổi"):
        await asyncio.to_thread(restore_backup, empty_settings, folder)


async def test_nothing_is_restored_over_data(real_db: RealDatabase, tmp_path: Path) -> None:
    await a_hospital_with_data(real_db)
    folder = tmp_path / "backup"
    await asyncio.to_thread(make_backup, real_db.settings, folder, now=utc_now())
    with pytest.raises(BackupRefused, match="nơi trống"):
        await asyncio.to_thread(restore_backup, real_db.settings, folder)


async def test_a_full_folder_is_refused(real_db: RealDatabase, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BackupRefused, match="không trống"):
        await asyncio.to_thread(make_backup, real_db.settings, tmp_path, now=utc_now())


def test_a_folder_that_is_no_backup_is_refused(empty_settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="không phải bản sao lưu"):
        restore_backup(empty_settings, tmp_path)
