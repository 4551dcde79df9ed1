"""A page and a list at a fixed rate of arrivals, one web worker, beside an empty answer at the same rate in the same run."""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from bench.register import cpu_seconds
from hospital.demo.known import DEMO_PASSWORD
from hospital.demo.running import running_hospital
from hospital.postgres import throw_away

RATE, SECONDS, CONNECTIONS = 300, 5, 24
BUDGET_MS = 20.0
SETTLE_SECONDS, IDLE_SECONDS = 60, 0.06  # At most so long; at rest it takes less than this in a second.
PATHS = {
    "page of a room's queue (HTML)": "/workbench/rooms/PK1",
    "list of a room's queue (JSON)": "/api/queues/PK1",
}


def signed_in_cookies(base_url: str) -> str:
    with httpx.Client(base_url=base_url, timeout=60) as client:
        token = client.get("/login").cookies["lanh_csrf"]
        body = {"username": "bacsi", "password": DEMO_PASSWORD}
        client.post("/api/login", json=body, headers={"x-csrf-token": token}).raise_for_status()
        client.get(PATHS["page of a room's queue (HTML)"]).raise_for_status()  # Remembers the room.
        return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


class Line:
    """One kept-alive connection that reads whole answers: cheaper than a client library, so it measures the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cookies: str) -> None:
        self._reader, self._writer, self._cookies = reader, writer, cookies

    async def get(self, path: str) -> None:
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\nCookie: {self._cookies}\r\n\r\n".encode())
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n", 1)[0], head[:200]
        lower = head.lower()
        if b"content-length:" in lower:
            await self._reader.readexactly(int(lower.partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
            return
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            await self._reader.readexactly(size + 2)
        await self._reader.readexactly(2)

    def close(self) -> None:
        self._writer.close()


async def latencies(base_url: str, cookies: str, path: str, rate: int, seconds: float) -> list[float]:
    """Ask at fixed moments, whether earlier answers came or not; return each wait in ms, queueing included."""
    address = urlsplit(base_url)
    free: asyncio.Queue[Line] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(Line(*await asyncio.open_connection(address.hostname, address.port), cookies))
    waits: list[float] = []

    async def one(due: float) -> None:
        line = await free.get()
        await line.get(path)
        waits.append((time.perf_counter() - due) * 1000)
        free.put_nowait(line)

    begin = time.perf_counter()
    tasks = []
    for number in range(int(rate * seconds)):
        due = begin + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    while not free.empty():
        free.get_nowait().close()
    return sorted(waits)


def settle(pid: int) -> None:
    """Wait until what a start leaves to do is done: processes for heavy work that import, jobs of the seed."""
    for _ in range(SETTLE_SECONDS):
        before = cpu_seconds(pid)
        time.sleep(1)
        if cpu_seconds(pid) - before < IDLE_SECONDS:
            return
    raise TimeoutError("the worker never came to rest")


def p99(waits: list[float]) -> float:
    return waits[min(len(waits) - 1, int(len(waits) * 0.99))]


async def measure(base_url: str, cookies: str, pid: int) -> list[dict[str, Any]]:
    count = RATE * SECONDS
    await latencies(base_url, cookies, "/healthz", RATE, 1)
    before = cpu_seconds(pid)
    floor = p99(await latencies(base_url, cookies, "/healthz", RATE, SECONDS))
    empty = (cpu_seconds(pid) - before) / count * 1000
    rows: list[dict[str, Any]] = []
    for name, path in PATHS.items():
        await latencies(base_url, cookies, path, 50, 1)  # Templates and statements are prepared.
        before = cpu_seconds(pid)
        waits = await latencies(base_url, cookies, path, RATE, SECONDS)
        spent = (cpu_seconds(pid) - before) / count * 1000
        figure = p99(waits)
        rows.append(
            {
                "name": f"{name}, {RATE}/s, p99 wall (p50 {statistics.median(waits):.1f})",
                "value": figure,
                "unit": "ms",
                "floor": floor,
                "ratio": figure / floor,
                "budget": BUDGET_MS,
            }
        )
        rows.append(
            {
                "name": f"{name}, CPU of the worker",
                "value": spent,
                "unit": "ms CPU",
                "floor": empty,
                "floor_text": f"{empty:.3f} the empty answer",
                "ratio": spent / empty,
            }
        )
        print(f"{name}: p50 {statistics.median(waits):.1f} ms, p99 {figure:.1f} ms, CPU {spent:.2f} ms")
        print(f"  the empty answer: p99 {floor:.1f} ms, CPU {empty:.2f} ms")
    return rows


def main() -> list[dict[str, Any]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        throw_away() as cluster,
        running_hospital(Path(folder), database_url=cluster.app_url(), owner_url=cluster.url()) as hospital,
    ):
        settle(hospital.web.pid)
        return asyncio.run(measure(hospital.base_url, signed_in_cookies(hospital.base_url), hospital.web.pid))
