"""`hospital outside`: the fake outside world, for the demo, the journey and the tests."""

import click

from hospital.commands.serve import serve_app


@click.command()
@click.option("--address", default="127.0.0.1", show_default=True)
@click.option("--port", default=8001, show_default=True)
def outside(address: str, port: int) -> None:
    """Chạy thế giới bên ngoài giả (chỉ để thử)."""
    serve_app("hospital.demo.outside.app:from_environment", address, port)
