"""`hospital audit verify` proves the log, or names what was changed."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from hospital.commands.audit import audit
from kernel.audit.seal import seal
from kernel.staff.api import Role
from tests.conftest import RealDatabase


async def sealed_log(real_db: RealDatabase) -> None:
    await real_db.sign_in(Role.NURSE)
    async with real_db.sessions.begin() as session:
        await seal(session)


def run(monkeypatch: pytest.MonkeyPatch, real_db: RealDatabase, tmp_path: Path) -> tuple[int, str]:
    monkeypatch.setenv("DATABASE_URL", real_db.url)
    monkeypatch.setenv("HOSPITAL_DATA_DIR", str(tmp_path))
    answer = CliRunner().invoke(audit, ["verify"])
    return answer.exit_code, answer.output


async def test_an_untouched_log_is_whole(
    real_db: RealDatabase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await sealed_log(real_db)
    code, said = await asyncio.to_thread(run, monkeypatch, real_db, tmp_path)
    assert code == 0, said
    assert "Nhật ký toàn vẹn" in said


async def test_a_row_changed_behind_our_back_is_found(
    real_db: RealDatabase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await sealed_log(real_db)
    owner = create_async_engine(real_db.owner_url, poolclass=NullPool)
    async with owner.begin() as connection:  # Only a superuser can: triggers off, then the forgery.
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text("UPDATE kernel_audit SET action = 'VIEW'"))
    await owner.dispose()
    code, said = await asyncio.to_thread(run, monkeypatch, real_db, tmp_path)
    assert code == 1
    assert "KHÔNG TOÀN VẸN" in said
