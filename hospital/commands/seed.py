"""`hospital seed`: migrate and fill the demo's database; the demo runs it as a process of its own."""

import asyncio

import click

from hospital.commands.database import database
from hospital.demo.seed import seed as fill
from hospital.migrate import upgrade
from hospital.processes import die_with_parent
from hospital.settings import read_settings


@click.command()
def seed() -> None:
    """Nạp dữ liệu bịa cho bản chạy thử; chạy lại thì không đổi gì."""
    settings = read_settings()
    if not settings.kernel.demo:
        raise click.ClickException("Chỉ bản chạy thử (HOSPITAL_DEMO=true) mới nhận dữ liệu bịa.")
    die_with_parent()
    with database(settings) as ready:
        upgrade(ready.owner_url)
        asyncio.run(fill(ready))
