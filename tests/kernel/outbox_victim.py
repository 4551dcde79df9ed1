"""A worker process that a test kills in the middle of a job: `python -m tests.kernel.outbox_victim URL FOLDER`."""

import asyncio
import os
import sys
from pathlib import Path

from msgspec import Struct
from sqlalchemy import text

from hospital.settings import Settings
from kernel.db import make_engine, make_sessions
from kernel.outbox.api import Job, Worker, job
from kernel.services import open_services
from kernel.settings import KernelSettings

LEASE_SECONDS = 1.0


class Step(Struct, frozen=True):
    number: int


@job("test.victim")
async def step(job: Job, payload: Step) -> None:
    """Write an effect; the process that finds the file `hang` stops here, effect written, nothing committed."""
    kind = f"effect {payload.number}"
    await job.session.execute(text("INSERT INTO kernel_periodic (kind) VALUES (:kind)"), {"kind": kind})
    folder: Path = job.services.settings.kernel.data_dir
    if payload.number == 3 and (folder / "hang").exists():
        (folder / f"hanging-{os.getpid()}").touch()
        await asyncio.sleep(3_600)


async def main(url: str, folder: Path) -> None:
    engine = make_engine(url)
    settings = Settings(kernel=KernelSettings(data_dir=folder, cpu_workers=0))
    async with open_services(settings, make_sessions(engine), engine=engine) as services:
        await Worker(services, concurrency=2, poll_seconds=0.1, lease_seconds=LEASE_SECONDS).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
