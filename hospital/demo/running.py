"""A whole hospital running on this machine: database, fake outside world, web. For the demo, the journey and the tests."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from urllib.parse import urlsplit

import asyncpg

from hospital.demo.environment import demo_environment
from hospital.processes import ROOT, child, free_port, wait_until_it_answers, wait_until_it_ends


@dataclass
class Hospital:
    """Addresses of a running demo hospital and the process that serves it."""

    base_url: str
    outside_url: str
    data_dir: Path
    environment: Mapping[str, str]
    web: Popen[bytes]


def kept_outside_port(data_dir: Path) -> int | None:
    """Return the port that the demo certificates name for OCSP, CRL and TSA; None before the first start."""
    address = data_dir / "pki" / "base-url"
    return urlsplit(address.read_text().strip()).port if address.exists() else None


@contextmanager
def running_hospital(
    data_dir: Path,
    *,
    database_url: str,
    owner_url: str,
    port: int | None = None,
    outside_port: int | None = None,
    workers: int = 1,
) -> Iterator[Hospital]:
    """Migrate, seed, start the outside world and the web, wait until both answer; stop everything at the end.

    A hospital that stands already is served first; its seed looks for what is new beside it. Raises NotAnswering.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    port, outside_port = port or free_port(), outside_port or free_port()
    base_url, outside_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{outside_port}"
    environment = demo_environment(
        data_dir, database_url=database_url, owner_url=owner_url, base_url=base_url, outside_url=outside_url
    )
    logs = data_dir / "logs"
    logs.mkdir(exist_ok=True)
    with ExitStack() as stack:

        def start(log: str, *arguments: str) -> Popen[bytes]:
            return stack.enter_context(child(*arguments, environment=environment, log=logs / log))

        def start_seed() -> Popen[bytes]:
            return start("seed.log", "seed")

        stood = asyncio.run(stands(owner_url))
        if not stood:
            wait_until_it_ends(start_seed(), logs / "seed.log")
        outside = start("outside.log", "outside", "--port", str(outside_port))
        web = start("web.log", "serve", "--port", str(port), "--workers", str(workers))
        wait_until_it_answers(f"{outside_url}/healthz", outside, logs / "outside.log")
        wait_until_it_answers(f"{base_url}/readyz", web, logs / "web.log")
        if stood:
            start_seed()
        yield Hospital(base_url, outside_url, data_dir, environment, web)


async def stands(owner_url: str) -> bool:
    """Is the schema at its newest version, and did a seed get as far as what the web reads at its start?"""
    connection = await asyncpg.connect(owner_url.replace("+asyncpg", ""))
    try:
        version = await connection.fetchval("SELECT version_num FROM alembic_version")
        places = await connection.fetchval("SELECT count(*) FROM emr_department")
        return bool(version == newest_version() and places)
    except asyncpg.UndefinedTableError:
        return False
    finally:
        await connection.close()


def newest_version() -> str:
    """The number of the last migration, read from its file name: Alembic itself takes long to import."""
    return max(path.name[:4] for path in (ROOT / "hospital" / "migrations" / "versions").glob("[0-9]*.py"))
