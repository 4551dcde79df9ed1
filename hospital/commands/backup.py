"""`hospital backup DIR`: a consistent copy of database and objects, with a manifest of hashes."""

from pathlib import Path

import click
from msgspec.structs import replace

from hospital.backup import BackupRefused, make_backup
from hospital.commands.database import database
from hospital.settings import Settings, read_settings
from kernel.clock import utc_now

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=None,
    help="Thư mục dữ liệu (mặc định HOSPITAL_DATA_DIR).",
)


def settings_of(data: Path | None) -> Settings:
    settings = read_settings()
    return replace(settings, kernel=replace(settings.kernel, data_dir=data)) if data else settings


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@data_option
def backup(folder: Path, data: Path | None) -> None:
    """Sao lưu vào một thư mục mới; hệ thống vẫn chạy bình thường."""
    try:
        with database(settings_of(data)) as settings:
            manifest = make_backup(settings, folder, now=utc_now())
    except BackupRefused as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"Đã sao lưu {sum(manifest.rows.values())} dòng và {len(manifest.files) - 1} tệp vào {folder}."
    )
