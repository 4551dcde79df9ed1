"""`hospital restore DIR`: bring a backup back into an empty place and prove it."""

from pathlib import Path

import click

from hospital.backup import BackupRefused, restore_backup
from hospital.commands.backup import data_option, settings_of
from hospital.commands.database import database


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@data_option
def restore(folder: Path, data: Path | None) -> None:
    """Khôi phục vào nơi trống, đối chiếu từng tệp và số dòng."""
    try:
        with database(settings_of(data)) as settings:
            manifest = restore_backup(settings, folder)
    except BackupRefused as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"Đã khôi phục {sum(manifest.rows.values())} dòng, {len(manifest.files) - 1} tệp; mọi dấu băm khớp."
    )
