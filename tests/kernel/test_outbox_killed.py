import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from hospital.processes import ROOT
from kernel.outbox.api import enqueue
from tests.conftest import RealDatabase
from tests.kernel.outbox_victim import Step

JOBS = 12

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def start(real_db: RealDatabase, tmp_path: Path) -> Iterator[Start]:
    """Start worker processes; killed at the end if they still live."""
    processes: list[subprocess.Popen[bytes]] = []

    def start_one() -> subprocess.Popen[bytes]:
        arguments = [sys.executable, "-m", "tests.kernel.outbox_victim", real_db.url, str(tmp_path)]
        with (tmp_path / "log").open("ab") as log:
            processes.append(subprocess.Popen(arguments, cwd=ROOT, stdout=log, stderr=log))
        return processes[-1]

    yield start_one
    for process in processes:
        process.kill()
        process.wait()


async def wait_for(condition: Callable[[], bool], log: Path) -> None:
    try:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(log.read_text(errors="replace")[-3_000:])


@pytest.mark.slow
async def test_a_worker_killed_in_the_middle_loses_nothing_and_repeats_nothing(
    real_db: RealDatabase, tmp_path: Path, start: Start
) -> None:
    (tmp_path / "hang").touch()
    async with real_db.sessions.begin() as session:
        for number in range(JOBS):
            await enqueue(session, "test.victim", Step(number))
    victim = start()
    await wait_for(lambda: (tmp_path / f"hanging-{victim.pid}").exists(), tmp_path / "log")
    (tmp_path / "hang").unlink()
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()

    survivor = start()
    states: dict[str, int] = {}
    async with asyncio.timeout(40):
        while states != {"done": JOBS}:
            assert survivor.poll() is None, (tmp_path / "log").read_text(errors="replace")
            await asyncio.sleep(0.05)
            async with real_db.sessions() as session:
                rows = await session.execute(
                    text("SELECT state, count(*) AS n FROM kernel_job GROUP BY state")
                )
                states = {row.state: row.n for row in rows}
    async with real_db.sessions() as session:
        effects = await session.scalars(text("SELECT kind FROM kernel_periodic WHERE kind LIKE 'effect %'"))
        assert sorted(effects) == sorted(f"effect {number}" for number in range(JOBS))
        attempts = await session.scalar(
            text("SELECT attempts FROM kernel_job WHERE payload->>'number' = '3' AND last_error IS NULL")
        )
        assert attempts == 2
