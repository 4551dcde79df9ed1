"""The database a command works on: the one of DATABASE_URL, else the embedded server of the data folder."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from msgspec.structs import replace

from hospital.postgres import PostgresUnavailable, embedded
from hospital.settings import Settings


@contextmanager
def database(settings: Settings) -> Iterator[Settings]:
    """Yield the settings with both database URLs filled in; nothing is started when DATABASE_URL is set."""
    if settings.database_url:
        yield replace(settings, owner_url=settings.owner_url or settings.database_url)
        return
    try:
        with embedded(settings.kernel.data_dir) as cluster:
            yield replace(settings, database_url=cluster.app_url(), owner_url=cluster.url())
    except PostgresUnavailable as error:
        raise click.ClickException(str(error)) from None
