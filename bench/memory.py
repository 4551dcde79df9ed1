"""Memory of one web worker with everything imported: before, after and on the way to 100 000 requests.

BENCH_REQUESTS sets how many (100 000). Floor: the same worker after its start, before anybody asked; for growth, the same
worker when it was warm; for the worker's time, its empty answer.
"""

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.pages import PATHS, Line, settle, signed_in_cookies
from bench.register import cpu_seconds
from hospital.demo.running import running_hospital
from hospital.postgres import throw_away

REQUESTS = int(os.environ.get("BENCH_REQUESTS", "100000"))
WARM, CONNECTIONS = 5_000, 8
EMPTY = "/healthz"
BUDGET_MB = 160


def worker_of(pid: int) -> int:
    """The process that serves: granian's only child."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return max((int(child) for child in children), key=resident)


def resident(pid: int, figure: str = "VmRSS") -> float:
    """Resident megabytes; RssAnon leaves out the libraries' pages, which all workers of a machine share."""
    line = next(
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(figure)
    )
    return int(line.split()[1]) / 1024


async def ask(
    base_url: str,
    cookies: str,
    count: int,
    paths: tuple[str, ...] = (*PATHS.values(), "/login", EMPTY, "/api/me"),
) -> None:
    """Ask for the pages and lists people look at all day, and for the empty answer, in turn."""
    address = urlsplit(base_url)
    work = iter(range(count))

    async def client() -> None:
        line = Line(*await asyncio.open_connection(address.hostname, address.port), cookies)
        for number in work:
            await line.get(paths[number % len(paths)])
        line.close()

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))


def main() -> list[dict[str, Any]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        throw_away() as cluster,
        running_hospital(Path(folder), database_url=cluster.app_url(), owner_url=cluster.url()) as hospital,
    ):
        settle(hospital.web.pid)
        pid = worker_of(hospital.web.pid)
        started, started_own = resident(pid), resident(pid, "RssAnon")
        cookies = signed_in_cookies(hospital.base_url)
        asyncio.run(ask(hospital.base_url, cookies, WARM))
        warm, before = resident(pid), cpu_seconds(pid)
        asyncio.run(ask(hospital.base_url, cookies, REQUESTS))
        ended, own = resident(pid), resident(pid, "RssAnon")
        spent = (cpu_seconds(pid) - before) / REQUESTS * 1_000
        before = cpu_seconds(pid)
        asyncio.run(ask(hospital.base_url, cookies, WARM, (EMPTY,)))
        empty = (cpu_seconds(pid) - before) / WARM * 1_000
    name = f"a web worker after {REQUESTS} requests"
    return [
        {"name": name, "value": ended, "unit": "MB resident", "budget": BUDGET_MB}
        | beside(ended, started, "after its start"),
        {"name": "the same, not shared with other workers", "value": own, "unit": "MB"}
        | beside(own, started_own, "after its start"),
        {
            "name": "the same, against when it was warm",
            "value": ended,
            "unit": "MB",
            "budget": "≤ 1.05 × the warm",
        }
        | beside(ended, warm, f"after {WARM} requests"),
        {"name": "the same, CPU of one request, mixed", "value": spent, "unit": "ms CPU"}
        | beside(spent, empty, "the empty answer"),
    ]


def beside(value: float, floor: float, what: str) -> dict[str, Any]:
    return {"floor": floor, "floor_text": f"{floor:.3g} {what}", "ratio": value / floor}
