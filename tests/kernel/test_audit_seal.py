from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from hospital.migrate import upgrade
from hospital.postgres import Cluster, throw_away
from kernel.audit.api import Action, Entry, record
from kernel.audit.seal import seal, write_checkpoint
from kernel.audit.signer import FileSigner
from kernel.audit.verify import Fault, Verdict, verify_audit
from kernel.clock import local_day, utc_now
from kernel.db import Sessions, make_engine, make_sessions
from kernel.staff.rules import SYSTEM
from tests.conftest import RealDatabase


@pytest.fixture
def signer(tmp_path: Path) -> FileSigner:
    return FileSigner(tmp_path / "keys")


async def write_rows(sessions: Sessions, *subjects: str) -> None:
    for subject in subjects:
        async with sessions.begin() as session:
            await record(session, Entry(Action.VIEW, subject, detail={"phần": ["sinh hiệu", 1]}), SYSTEM)


async def seal_now(sessions: Sessions) -> int:
    async with sessions.begin() as session:
        return await seal(session)


async def verdict_of(sessions: Sessions, signer: FileSigner) -> Verdict:
    async with sessions() as session:
        return await verify_audit(session, signer)


@asynccontextmanager
async def tampering(real_db: RealDatabase) -> AsyncIterator[AsyncConnection]:
    """Somebody who owns the database and switches the triggers off."""
    engine = create_async_engine(real_db.owner_url, poolclass=NullPool)
    async with engine.begin() as connection:
        for table in ("kernel_audit", "kernel_audit_block", "kernel_audit_checkpoint"):
            await connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        yield connection
    await engine.dispose()


async def three_sealed_blocks(real_db: RealDatabase) -> None:
    for number in range(3):
        await write_rows(real_db.sessions, f"a:{number}", f"b:{number}")
        assert await seal_now(real_db.sessions) == 2


async def test_an_untouched_log_holds(real_db: RealDatabase, signer: FileSigner) -> None:
    verdict = await verdict_of(real_db.sessions, signer)
    assert (verdict.ok, verdict.blocks, verdict.tail.rows) == (True, 0, 0)
    await three_sealed_blocks(real_db)
    assert await seal_now(real_db.sessions) == 0
    verdict = await verdict_of(real_db.sessions, signer)
    assert (verdict.ok, verdict.blocks, verdict.rows, verdict.tail.rows) == (True, 3, 6, 0)
    assert verdict.lines() == ["Nhật ký toàn vẹn: 6 dòng trong 3 khối, 0 mốc đã ký."]


TAMPERINGS = {
    "UPDATE kernel_audit SET actor_name = 'Người khác' WHERE subject = 'a:1'": {(2, Fault.ROWS_CHANGED)},
    "UPDATE kernel_audit SET at = at - interval '1 day' WHERE subject = 'a:1'": {(2, Fault.ROWS_CHANGED)},
    "UPDATE kernel_audit SET detail = '{}' WHERE subject = 'a:1'": {(2, Fault.ROWS_CHANGED)},
    "DELETE FROM kernel_audit WHERE subject = 'b:0'": {(1, Fault.ROWS_REMOVED)},
    "INSERT INTO kernel_audit (xid, action, subject, actor_id, actor_name, actor_roles, department, ip, detail)"
    " SELECT xid, action, 'x', actor_id, actor_name, actor_roles, department, ip, detail FROM kernel_audit"
    " WHERE subject = 'a:2'": {(3, Fault.ROWS_INSERTED)},
    "UPDATE kernel_audit SET xid = (SELECT xid FROM kernel_audit WHERE subject = 'a:0') WHERE subject = 'a:1'": {
        (1, Fault.ROWS_INSERTED),
        (2, Fault.ROWS_REMOVED),
    },
    "UPDATE kernel_audit_block SET root = sha256('') WHERE no = 2": {
        (2, Fault.ROWS_CHANGED),
        (2, Fault.BLOCK_CHANGED),
    },
    "UPDATE kernel_audit_block SET sealed_at = sealed_at - interval '1 day', hash = sha256('') WHERE no = 2": {
        (2, Fault.BLOCK_CHANGED),
        (3, Fault.BLOCK_CHANGED),
    },
    "DELETE FROM kernel_audit_block WHERE no = 2": {(3, Fault.BLOCK_MISSING)},
}


async def test_whoever_touches_a_sealed_row_is_noticed(real_db: RealDatabase, signer: FileSigner) -> None:
    await three_sealed_blocks(real_db)
    async with tampering(real_db) as connection:
        for statement, faults in TAMPERINGS.items():
            attempt = await connection.begin_nested()
            await connection.execute(text(statement))
            async with AsyncSession(connection, join_transaction_mode="create_savepoint") as session:
                verdict = await verify_audit(session, signer)
            await attempt.rollback()
            assert {(finding.block_no, finding.fault) for finding in verdict.findings} == faults, statement
            assert verdict.lines()[0].startswith("NHẬT KÝ KHÔNG TOÀN VẸN")
            assert all(line.startswith("Khối ") for line in verdict.lines()[1:])
    assert (await verdict_of(real_db.sessions, signer)).ok


async def test_an_open_transaction_holds_the_seal_back_and_its_rows_are_named(
    real_db: RealDatabase, signer: FileSigner
) -> None:
    async with real_db.sessions.begin() as slow:
        await record(slow, Entry(Action.VIEW, "slow"), SYSTEM)
        await write_rows(real_db.sessions, "quick")
        assert await seal_now(real_db.sessions) == 0
        verdict = await verdict_of(real_db.sessions, signer)
        assert (verdict.ok, verdict.tail.rows) == (True, 1)
        assert verdict.lines()[1].startswith("Chưa niêm phong: 1 dòng (số ")
    assert await seal_now(real_db.sessions) == 2
    assert (await verdict_of(real_db.sessions, signer)).tail.rows == 0


async def test_a_day_ends_with_a_signed_checkpoint(real_db: RealDatabase, signer: FileSigner) -> None:
    today = local_day(utc_now())
    async with real_db.sessions.begin() as session:
        assert not await write_checkpoint(session, signer, day=today)  # Nothing sealed yet.
    await three_sealed_blocks(real_db)
    async with real_db.sessions.begin() as session:
        assert not await write_checkpoint(session, signer, day=today - timedelta(days=1))
        assert await write_checkpoint(session, signer, day=today)
        assert not await write_checkpoint(session, signer, day=today)
    verdict = await verdict_of(real_db.sessions, signer)
    assert (verdict.ok, verdict.checkpoints) == (True, 1)


async def test_a_chain_written_anew_does_not_fit_the_signed_checkpoint(
    real_db: RealDatabase, signer: FileSigner
) -> None:
    await three_sealed_blocks(real_db)
    today = local_day(utc_now())
    async with real_db.sessions.begin() as session:
        await write_checkpoint(session, signer, day=today)
    async with tampering(real_db) as connection:
        await connection.execute(
            text("UPDATE kernel_audit SET actor_name = 'Người khác' WHERE subject = 'a:1'")
        )
        await connection.execute(text("DELETE FROM kernel_audit_block"))
    assert await seal_now(real_db.sessions) == 6  # One consistent chain again.
    verdict = await verdict_of(real_db.sessions, signer)
    assert [(finding.fault, finding.day) for finding in verdict.findings] == [
        (Fault.CHECKPOINT_BROKEN, today)
    ]


async def test_a_checkpoint_of_another_key_is_noticed(
    real_db: RealDatabase, signer: FileSigner, tmp_path: Path
) -> None:
    await three_sealed_blocks(real_db)
    async with real_db.sessions.begin() as session:
        await write_checkpoint(session, FileSigner(tmp_path / "other"), day=local_day(utc_now()))
    verdict = await verdict_of(real_db.sessions, signer)
    assert [finding.fault for finding in verdict.findings] == [Fault.CHECKPOINT_BROKEN]


def test_the_installations_key_is_made_once_and_readable_by_us_alone(tmp_path: Path) -> None:
    first, again = FileSigner(tmp_path), FileSigner(tmp_path)
    assert first.name == again.name
    assert (tmp_path / "audit-key.pem").stat().st_mode & 0o077 == 0
    assert b"PUBLIC KEY" in (tmp_path / "audit-key.pub").read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_checkpoint_covers_a_vietnamese_day() -> None:
    assert local_day(datetime(2026, 11, 21, 17, 0, tzinfo=UTC)) == date(2026, 11, 22)


async def burn_transactions(connection: AsyncConnection, count: int) -> None:
    await connection.execute(text("CREATE TEMP TABLE burnt (n int)"))
    await connection.execute(
        text(
            f"DO $$ BEGIN FOR i IN 1..{count} LOOP BEGIN INSERT INTO burnt VALUES (i);"
            " EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$"
        )
    )


async def copy_audit(source: Sessions, target: AsyncConnection) -> None:
    """Do what a restore from a dump does: same rows, same ids, a new server's transaction numbers."""
    for table in ("kernel_audit", "kernel_audit_block"):
        async with source() as session:
            rows = await session.scalars(text(f"SELECT CAST(to_jsonb(t) AS text) FROM {table} t"))
            for row in rows.all():
                await target.execute(
                    text(
                        f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT (r).* FROM"
                        f" (SELECT jsonb_populate_record(CAST(NULL AS {table}), CAST(:row AS jsonb)) AS r) x"
                    ),
                    {"row": row},
                )
    await target.execute(
        text(
            "SELECT setval(pg_get_serial_sequence('kernel_audit', 'id'), (SELECT max(id) FROM kernel_audit))"
        )
    )


@pytest.fixture
def new_server() -> Iterator[Cluster]:
    with throw_away() as cluster:
        upgrade(cluster.url())
        yield cluster


@pytest.mark.slow
async def test_the_chain_goes_on_after_a_restore_into_a_new_server(
    new_server: Cluster, real_db: RealDatabase, signer: FileSigner
) -> None:
    async with tampering(real_db) as connection:
        await burn_transactions(connection, 5_000)
    await three_sealed_blocks(real_db)
    await write_rows(real_db.sessions, "unsealed when dumped")
    owner = create_async_engine(new_server.url(), poolclass=NullPool)
    async with owner.begin() as connection:
        await copy_audit(real_db.sessions, connection)
    await owner.dispose()
    engine = make_engine(new_server.app_url())
    sessions: Any = make_sessions(engine)
    await write_rows(sessions, "new 1", "new 2")
    assert await seal_now(sessions) == 2
    await write_rows(sessions, "new 3")
    assert await seal_now(sessions) == 1
    verdict = await verdict_of(sessions, signer)
    assert (verdict.ok, verdict.rows, verdict.blocks, verdict.tail.rows) == (True, 10, 6, 0)
    await engine.dispose()
