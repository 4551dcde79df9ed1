"""`hospital worker`: a process that only runs jobs."""

import asyncio
import signal

import click

import hospital.handlers  # noqa: F401  (importing registers the handlers)
from emr.api import use_own_forms
from hospital.processes import die_with_parent
from hospital.settings import Settings, read_settings, with_secret
from kernel.db import APPLICATION_ROLE, make_engine, make_sessions
from kernel.logs import configure_logs
from kernel.outbox.worker import Worker
from kernel.services import open_services


@click.command()
@click.option("--concurrency", default=4, show_default=True, help="Số việc làm cùng lúc.")
def worker(concurrency: int) -> None:
    """Chạy tiến trình làm việc nền: gửi, ký, dựng, đối soát."""
    die_with_parent()
    settings = with_secret(read_settings())
    configure_logs(level=settings.kernel.log_level)
    asyncio.run(run(settings, concurrency))


async def run(settings: Settings, concurrency: int) -> None:
    """Work until SIGTERM or SIGINT; running jobs end first."""
    use_own_forms(settings.emr.forms_folder)
    engine = make_engine(settings.database_url, role=APPLICATION_ROLE, pool_size=settings.kernel.pool_size)
    async with open_services(settings, make_sessions(engine), engine=engine) as services:
        jobs = Worker(services, concurrency=concurrency)
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, jobs.stop)
        await jobs.run()
    await engine.dispose()
