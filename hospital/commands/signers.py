"""`hospital signers`: who is ready to sign, and why the others are not; the list to work off before going live."""

import asyncio

import click

from hospital.settings import Settings, read_settings
from kernel.clock import utc_now
from kernel.db import make_engine, make_sessions
from signing.api import Readiness, readiness


@click.command()
@click.option("--all", "everybody", is_flag=True, help="In cả những người đã sẵn sàng.")
def signers(everybody: bool) -> None:
    """In người ký chưa sẵn sàng theo lần tổng duyệt gần nhất. Mã thoát 0 chỉ khi mọi người đều sẵn sàng."""
    listed = asyncio.run(_read(read_settings()))
    waiting = [one for one in listed if not one.ready]
    for one in listed if everybody else waiting:
        place = f" · {one.department}" if one.department else ""
        click.echo(
            f"  {'tốt ' if one.ready else 'CHƯA'}  {one.name}{place}{': ' + one.reason if one.reason else ''}"
        )
    click.echo(f"{len(listed) - len(waiting)} trên {len(listed)} người ký đã sẵn sàng.")
    raise SystemExit(1 if waiting else 0)


async def _read(settings: Settings) -> list[Readiness]:
    engine = make_engine(settings.database_url, pool_size=1)
    try:
        async with make_sessions(engine)() as session:
            facility, keep = settings.kernel.facility.name, settings.signing.rehearsal_keep_days
            return await readiness(session, facility=facility, keep_days=keep, now=utc_now())
    finally:
        await engine.dispose()
