"""`hospital evidence FILE`: take the evidence of patients' and relatives' signatures out of a signed PDF.

Works on a machine of its own, without the hospital: an expert gets the file and the key from the safe.
"""

from io import BytesIO
from pathlib import Path

import click
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.people.bundle import FILE_NAME, BadBundle, Bundle, decode, told
from signing.people.ink import BadEvidenceKey, open_sealed
from signing.people.judge import carried_files


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Thư mục để ghi các tệp bằng chứng."
)
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Khoá riêng của nét ký (từ két), để mở thời điểm và lực từng nét.",
)
def evidence(file: Path, out: Path | None, key: Path | None) -> None:
    """Lấy gói bằng chứng ký của người bệnh ra khỏi một tệp PDF. Chưa kiểm chữ ký: dùng `hospital verify`."""
    found = carried(file.read_bytes())
    if not found:
        click.echo("Tệp không có gói bằng chứng ký của người bệnh.")
        raise SystemExit(1)
    for field, files in found.items():
        try:
            bundle = decode(files[FILE_NAME])
            strokes = strokes_of(bundle, key.read_bytes()) if key else None
        except (BadBundle, BadEvidenceKey) as error:
            click.echo(f"{field}: không mở được ({error}).")
            raise SystemExit(2) from None
        said = told(bundle)
        click.echo(
            "\n".join([f"{field}: {said.who}", f"  {said.words}", *(f"  {line}" for line in said.lines)])
        )
        if out is not None:
            write(out / field, files | ({"net-ky.json": strokes} if strokes else {}))


def carried(data: bytes) -> dict[str, dict[str, bytes]]:
    """Return the files of each signature that carries a bundle, by the name of its field."""
    try:
        reader = PdfFileReader(BytesIO(data))
        signed = reader.embedded_regular_signatures
    except (PdfError, ValueError):
        return {}
    files = {str(one.field_name): carried_files(one.sig_field) for one in signed}
    return {field: kept for field, kept in files.items() if FILE_NAME in kept}


def strokes_of(bundle: Bundle, private_pem: bytes) -> bytes | None:
    """Open how a signature was drawn; None when it was not. Raises BadEvidenceKey."""
    if bundle.ink is None:
        return None
    return open_sealed(bundle.ink.sealed, private_pem, bound_to=bytes.fromhex(bundle.document.sha256))


def write(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / Path(name).name).write_bytes(data)
