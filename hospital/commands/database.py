"""The database a command works on: the one of DATABASE_URL, else the embedded server of the data folder."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from msgspec.structs import replace

from hospital.postgres import PostgresUnavailable, already_running, embedded
from hospital.settings import Settings


@contextmanager
def database(settings: Settings) -> Iterator[Settings]:
    """Yield the settings with both database URLs filled in.

    Nothing is started when DATABASE_URL is set or when the folder's server runs already.
    """
    if settings.database_url:
        yield replace(settings, owner_url=settings.owner_url or settings.database_url)
        return
    if running := already_running(settings.kernel.data_dir):
        yield replace(settings, database_url=running.app_url(), owner_url=running.url())
        return
    try:
        with embedded(settings.kernel.data_dir) as cluster:
            yield replace(settings, database_url=cluster.app_url(), owner_url=cluster.url())
    except PostgresUnavailable as error:
        raise click.ClickException(str(error)) from None
