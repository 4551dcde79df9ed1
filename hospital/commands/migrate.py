"""`hospital migrate`: bring the schema to the newest version, as its owner."""

import click

from hospital.commands.database import database
from hospital.migrate import upgrade
from hospital.settings import read_settings


@click.command()
def migrate() -> None:
    """Nâng lược đồ cơ sở dữ liệu lên bản mới nhất."""
    with database(read_settings()) as settings:
        upgrade(settings.owner_url)
    click.echo("Lược đồ đã ở bản mới nhất.")
