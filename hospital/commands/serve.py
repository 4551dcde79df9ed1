"""`hospital serve`: the web processes."""

import socket

import click
from granian import Granian
from granian.constants import Interfaces

from hospital.processes import die_with_parent


def port_is_free(address: str, port: int) -> bool:
    """Granian binds with SO_REUSEPORT and would silently share a taken port: so look first."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def serve_app(target: str, address: str, port: int, *, workers: int = 1) -> None:
    """Serve a factory until told to stop. Raises ClickException when the port is taken."""
    die_with_parent()
    if not port_is_free(address, port):
        raise click.ClickException(f"Cổng {port} đang có chương trình khác dùng. Chọn cổng khác bằng --port.")
    Granian(
        target,
        address=address,
        port=port,
        interface=Interfaces.ASGI,
        workers=workers,
        factory=True,
        websockets=False,
        log_enabled=False,
        respawn_failed_workers=True,
        workers_kill_timeout=3,  # An open event stream would hold a worker for ever.
    ).serve()


@click.command()
@click.option("--address", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", default=1, show_default=True, help="Số tiến trình web.")
def serve(address: str, port: int, workers: int) -> None:
    """Chạy các tiến trình web."""
    serve_app("hospital.app:from_environment", address, port, workers=workers)
