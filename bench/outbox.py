"""From the start of a business transaction to the commit of its event's handler, by open arrivals; floor: one commit."""

import asyncio
import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct
from sqlalchemy import event as event_hooks
from sqlalchemy import text

from hospital.migrate import upgrade
from hospital.postgres import Cluster, throw_away
from hospital.settings import Settings
from kernel.db import make_engine, make_sessions
from kernel.outbox.api import Job, isolated_registry, on, publish, working
from kernel.services import Services, open_services
from kernel.settings import KernelSettings

SECONDS = 4.0
RATES = (20, 100)
BUDGET_P99_MS = 50.0
WARM_UP = 40


class Happened(Struct, frozen=True):
    thing_id: int


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@contextmanager
def migrated() -> Iterator[Cluster]:
    with throw_away(durable=True) as cluster:
        upgrade(cluster.url())
        yield cluster


async def commits(services: Services) -> list[float]:
    """The floor: a business row and its commit, one after the other."""
    took = []
    for number in range(300):
        begin = time.perf_counter()
        async with services.sessions.begin() as session:
            await write(session, number)
        took.append((time.perf_counter() - begin) * 1_000)
    return took


async def write(session: Any, number: int) -> None:
    await session.execute(
        text("INSERT INTO kernel_periodic (kind) VALUES (:kind)"), {"kind": f"{time.perf_counter()} {number}"}
    )


async def arrivals(services: Services, rate: int) -> list[float]:
    """Publish `rate` events a second, whether or not the earlier ones are done; milliseconds to each effect."""
    begun: dict[int, float] = {}
    took: dict[int, float] = {}
    total, all_done = WARM_UP + int(rate * SECONDS), asyncio.Event()

    @on(Happened, name=f"bench.at_{rate}")
    async def handle(job: Job, event: Happened) -> None:
        await write(job.session, -event.thing_id)
        event_hooks.listen(job.session.sync_session, "after_commit", partial(note, event.thing_id), once=True)

    def note(number: int, _: object) -> None:
        took[number] = (time.perf_counter() - begun[number]) * 1_000
        if len(took) == total:
            all_done.set()

    async def one(number: int) -> None:
        begun[number] = time.perf_counter()
        async with services.sessions.begin() as session:
            await write(session, number)
            await publish(session, Happened(number))

    tasks, start = [], time.perf_counter()
    for number in range(total):
        await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(one(number)))
    await asyncio.gather(*tasks)
    async with asyncio.timeout(30):
        await all_done.wait()
    return [took[number] for number in range(WARM_UP, total)]


async def measure(url: str, folder: Path) -> list[dict[str, Any]]:
    engine = make_engine(url, pool_size=20)
    settings = Settings(kernel=KernelSettings(data_dir=folder, cpu_workers=0))
    rows = []
    async with open_services(settings, make_sessions(engine), engine=engine) as services:
        floor = quantile(await commits(services), 0.5)
        for rate in RATES:
            with isolated_registry():
                async with working(services):
                    found = await arrivals(services, rate)
            p50, p99 = quantile(found, 0.5), quantile(found, 0.99)
            common = {"unit": "ms wall", "floor": floor}
            rows += [
                {"name": f"event → handler, {rate}/s, p50", "value": p50, "ratio": p50 / floor, **common},
                {
                    "name": f"event → handler, {rate}/s, p99",
                    "value": p99,
                    "ratio": p99 / floor,
                    "budget": BUDGET_P99_MS,
                    **common,
                },
            ]
    await engine.dispose()
    return rows


def main() -> list[dict[str, Any]]:
    """Print one line a figure and return the rows. The floor is the median of one business commit."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with migrated() as cluster, tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(measure(cluster.app_url(), Path(folder)))
    for row in rows:
        print(
            f"{row['name']}: {row['value']:.1f} ms ({row['ratio']:.1f} × one commit of {row['floor']:.1f} ms)"
        )
    return rows


if __name__ == "__main__":
    main()
