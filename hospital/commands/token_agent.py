"""`hospital token-agent`: the program at a doctor's own PC that signs with the USB token in it."""

import asyncio
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hospital.commands.serve import serve_app
from kernel.problems import Problem
from signing.pkcs11 import list_tokens

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("token-agent")
@click.option(
    "--origin", help="Địa chỉ của bệnh viện, vd. https://benhvien.example. Chỉ trang ở đó được gọi."
)
@click.option("--port", default=47_111, show_default=True, help="Cổng trên 127.0.0.1.")
@click.option(
    "--module", "modules", multiple=True, required=True, type=FILE, help="Thư viện PKCS#11 của token."
)
@click.option("--list", "only_list", is_flag=True, help="Chỉ liệt kê chứng thư trên các token rồi thoát.")
@click.option(
    "--export",
    type=click.Path(file_okay=False, path_type=Path),
    help="Cùng --list: ghi mỗi chứng thư thành tệp PEM để quản trị đăng ký.",
)
def token_agent(
    origin: str | None, port: int, modules: tuple[Path, ...], only_list: bool, export: Path | None
) -> None:
    """Ký bằng USB token trên máy này: hiện văn bản sẽ ký, hỏi mã PIN, không giữ lại gì."""
    if only_list:
        _list(modules, export)
        return
    serve_app("hospital.token_agent.app:from_environment", "127.0.0.1", _set(origin, port, modules))


def _set(origin: str | None, port: int, modules: tuple[Path, ...]) -> int:
    """Tell the server process what it serves; an address with a path or without a scheme is no origin."""
    parts = urlsplit(origin or "")
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/"):
        raise click.ClickException(
            "Cần --origin, vd. https://benhvien.example (không có đường dẫn phía sau)."
        )
    os.environ["LANH_AGENT_ORIGIN"] = f"{parts.scheme}://{parts.netloc}"
    os.environ["LANH_AGENT_PORT"] = str(port)
    os.environ["LANH_AGENT_MODULES"] = os.pathsep.join(str(module) for module in modules)
    click.echo(f"Sẵn sàng trên 127.0.0.1:{port} cho {parts.scheme}://{parts.netloc}. Ctrl+C để dừng.")
    sys.stdout.flush()
    return port


def _list(modules: tuple[Path, ...], export: Path | None) -> None:
    try:
        tokens = asyncio.run(list_tokens(modules, wait_seconds=20))
    except Problem as refused:
        raise click.ClickException(refused.detail) from None
    for token in tokens:
        click.echo(f"{token.label} ({token.model}, {token.serial})")
        for found in token.certificates:
            certificate = x509.load_der_x509_certificate(found.certificate)
            until = f"{certificate.not_valid_after_utc:%d/%m/%Y}"
            click.echo(f"  {certificate.subject.rfc4514_string()} · đến {until}")
            if export:
                export.mkdir(parents=True, exist_ok=True)
                file = export / f"{certificate.serial_number:X}.pem"
                file.write_bytes(certificate.public_bytes(Encoding.PEM))
                click.echo(f"  → {file}")
    if not any(token.certificates for token in tokens):
        click.echo("Không thấy chứng thư nào. Kiểm tra token đã cắm và thư viện --module.")
