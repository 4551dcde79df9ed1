"""`hospital worker` as a process of its own: it works, and it stops when told."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from hospital.processes import ROOT
from kernel.staff.api import Role
from tests.conftest import RealDatabase

pytestmark = pytest.mark.slow


async def test_the_worker_seals_the_log_and_stops_at_a_signal(real_db: RealDatabase, tmp_path: Path) -> None:
    await real_db.sign_in(Role.NURSE)
    environment = os.environ | {"DATABASE_URL": real_db.url, "HOSPITAL_DATA_DIR": str(tmp_path)}
    worker = subprocess.Popen([sys.executable, "-m", "hospital", "worker"], cwd=ROOT, env=environment)
    try:
        async with asyncio.timeout(60):
            while True:
                async with real_db.sessions() as session:
                    if await session.scalar(text("SELECT count(*) FROM kernel_audit_block")):
                        break
                await asyncio.sleep(0.1)
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(worker.wait, 30) == 0
    finally:
        worker.kill()
        worker.wait()
