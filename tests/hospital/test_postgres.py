"""The embedded server: from the machine, from the wheel, once at a time, and never a wrong version."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from hospital import postgres
from hospital.postgres import PostgresUnavailable, embedded, find_binaries, throw_away

pytestmark = pytest.mark.slow


async def version(url: str) -> int:
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        return int(connection.get_server_version().major)
    finally:
        await connection.close()


def test_a_machine_without_postgresql_uses_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_machine_binaries", list)
    with throw_away() as cluster:
        assert asyncio.run(version(cluster.app_url())) == 18


def test_another_major_version_is_refused_with_the_way_out() -> None:
    with pytest.raises(PostgresUnavailable, match="postgresql-11"):
        find_binaries(major=11)


def test_no_postgresql_at_all_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_machine_binaries", list)
    monkeypatch.setattr(postgres, "_wheel_binaries", list)
    with pytest.raises(PostgresUnavailable, match="make setup"):
        find_binaries()


def test_one_folder_serves_one_program_and_keeps_its_data(tmp_path: Path) -> None:
    async def write(url: str) -> None:
        connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
        await connection.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)")
        await connection.close()

    async def read(url: str) -> int:
        connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
        found = await connection.fetchval("SELECT id FROM kept")
        await connection.close()
        return int(found)

    with embedded(tmp_path) as cluster:
        asyncio.run(write(cluster.url()))
        with pytest.raises(PostgresUnavailable, match="đang được một chương trình"), embedded(tmp_path):
            pass
        assert postgres.already_running(tmp_path) == cluster
    assert postgres.already_running(tmp_path) is None
    with embedded(tmp_path) as cluster:
        assert asyncio.run(read(cluster.url())) == 7
