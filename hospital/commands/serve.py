"""`hospital serve`: the web processes."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from granian import Granian
from granian.constants import Interfaces

from hospital.processes import die_with_parent

FIGURES = "PROMETHEUS_MULTIPROC_DIR"
PEM = click.Path(exists=True, dir_okay=False, path_type=Path)


def port_is_free(address: str, port: int) -> bool:
    """Granian binds with SO_REUSEPORT and would silently share a taken port: so look first."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


@contextmanager
def shared_figures(workers: int) -> Iterator[None]:
    """Give several web processes one folder for their figures, so that any of them answers /metrics for all.

    A folder of the operator's own (PROMETHEUS_MULTIPROC_DIR) is used as it is.
    """
    if workers == 1 or FIGURES in os.environ:
        yield
        return
    with TemporaryDirectory(prefix="lanh-figures-") as folder:
        os.environ[FIGURES] = folder  # Read by the processes when they import the library of figures.
        try:
            yield
        finally:
            del os.environ[FIGURES]


def serve_app(
    target: str,
    address: str,
    port: int,
    *,
    workers: int = 1,
    certificate: Path | None = None,
    key: Path | None = None,
) -> None:
    """Serve a factory until told to stop; with a certificate and its key, over HTTPS.

    Raises ClickException when the port is taken or only one of the two files is given.
    """
    if (certificate is None) != (key is None):
        raise click.ClickException("HTTPS cần cả --certificate và --key.")
    die_with_parent()
    if not port_is_free(address, port):
        raise click.ClickException(f"Cổng {port} đang có chương trình khác dùng. Chọn cổng khác bằng --port.")
    server = Granian(
        target,
        address=address,
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        factory=True,
        websockets=False,
        ssl_cert=certificate,
        ssl_key=key,
        log_enabled=False,
        respawn_failed_workers=True,
        workers_kill_timeout=3,  # An open event stream would hold a worker for ever.
    )
    with shared_figures(workers):
        server.serve()


@click.command()
@click.option("--address", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=1, show_default=True, help="Số tiến trình web.")
@click.option("--certificate", type=PEM, help="Chứng thư TLS (PEM) khi không có proxy đứng trước.")
@click.option("--key", type=PEM, help="Khoá của chứng thư TLS (PEM).")
def serve(address: str, port: int, workers: int, certificate: Path | None, key: Path | None) -> None:
    """Chạy các tiến trình web."""
    target = "hospital.web:from_environment"
    serve_app(target, address, port, workers=workers, certificate=certificate, key=key)
