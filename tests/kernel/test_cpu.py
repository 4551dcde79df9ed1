import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hospital.processes import ROOT
from kernel.cpu import CpuPool


@pytest.fixture
async def pool() -> AsyncIterator[CpuPool]:
    pool = CpuPool(1, preload=["kernel.text"])
    pool.start()
    yield pool
    await pool.stop()


def loaded(module: str) -> bool:
    return module in sys.modules


def die_once(marker: str) -> str:
    if not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


@pytest.mark.slow
async def test_work_runs_in_a_process_that_has_imported_everything(pool: CpuPool) -> None:
    assert await pool.run(math.factorial, 5) == 120
    assert await pool.run(os.getpid) != os.getpid()
    assert await pool.run(loaded, "kernel.text")


@pytest.mark.slow
async def test_errors_come_back(pool: CpuPool) -> None:
    with pytest.raises(ZeroDivisionError):
        await pool.run(divmod, 1, 0)


@pytest.mark.slow
async def test_a_process_that_dies_is_replaced_and_the_call_made_again(pool: CpuPool, tmp_path: Path) -> None:
    assert await pool.run(die_once, str(tmp_path / "died")) == "done"
    assert await pool.run(math.factorial, 3) == 6


async def test_without_workers_the_work_runs_here() -> None:
    pool = CpuPool(0)
    pool.start()
    assert await pool.run(os.getpid) == os.getpid()
    await pool.stop()


PARENT = """
import asyncio, os, time
from kernel.cpu import CpuPool
async def main():
    pool = CpuPool(1)
    pool.start()
    print(await pool.run(os.getpid), flush=True)
    time.sleep(60)
if __name__ == "__main__":
    asyncio.run(main())
"""


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
def test_processes_die_with_a_killed_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, env=environment)
    try:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert lives(child)
    finally:
        parent.kill()
        parent.communicate()
    end = time.monotonic() + 10
    while lives(child) and time.monotonic() < end:
        time.sleep(0.02)
    assert not lives(child)
