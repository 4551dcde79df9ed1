"""Registering people over HTTP: one web worker, 16 kept connections, another person each time.

Every registration commits a chart, its number and an audit row. Floor: inserts of a bare row with commit, same clients;
for the wait and the worker's time, an empty answer of the same worker to the same clients.
"""

import asyncio
import os
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from hospital.migrate import upgrade
from hospital.postgres import throw_away
from hospital.processes import child, free_port, wait_until_it_answers
from kernel.clock import utc_now
from kernel.db import make_engine, make_sessions
from kernel.ids import new_id
from kernel.settings import KernelSettings
from kernel.staff.api import NewAccount, Role, add_account

CLIENTS, PEOPLE, WARM = 16, 3_000, 200
PASSWORD = "mat-khau-dai-2026"
BUDGET = 1_000
BARE = "INSERT INTO bench_bare (id, name) VALUES ($1, 'x')"


class Line:
    """One kept HTTP/1.1 connection; as little as a client can be, so that the server is what is measured."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def send(self, head: str, body: bytes = b"") -> tuple[int, bytes]:
        """Return the status and the head of the answer; its body is kept until the next one."""
        request = f"{head}\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n\r\n"
        self.writer.write(request.encode() + body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        lines = answer.lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        self.body = await self.reader.readexactly(length)
        return int(answer[9:12]), answer


def cookie_of(head: bytes, name: str) -> str:
    line = next(line for line in head.decode().split("\r\n") if f"{name}=" in line)
    return line.split(f"{name}=")[1].split(";")[0]


async def signed_in(port: int) -> str:
    """Sign reception in; return the headers every request carries."""
    line = Line(port)
    await line.open()
    _, head = await line.send("GET /login HTTP/1.1")
    csrf = cookie_of(head, "lanh_csrf")
    body = msgspec.json.encode({"username": "tiepdon", "password": PASSWORD})
    status, head = await line.send("POST /api/login HTTP/1.1\r\ncontent-type: application/json", body)
    assert status == 200, head
    line.writer.close()
    session = cookie_of(head, "lanh_session")
    return f"cookie: lanh_session={session}; lanh_csrf={csrf}\r\nx-csrf-token: {csrf}"


def person(number: int) -> bytes:
    return msgspec.json.encode(
        {
            "id": new_id(),
            "name": "Trần Thị Mẫu",
            "birth_date": "1999-02-01",
            "sex": "FEMALE",
            "citizen_id": f"{number:012d}",
            "phone": f"+8450{number:07d}",
            "address": "Thôn Mẫu",
        }
    )


async def register(
    port: int, headers: str, first: int, count: int
) -> tuple[float, list[float], Counter[int]]:
    """Return seconds, milliseconds of each registration, and how often each status came."""
    head = f"POST /api/patients HTTP/1.1\r\ncontent-type: application/json\r\n{headers}"
    work = iter([person(number) for number in range(first, first + count)])
    took: list[float] = []
    statuses: Counter[int] = Counter()

    async def client() -> None:
        line = Line(port)
        await line.open()
        for body in work:
            begin = time.perf_counter()
            status, _ = await line.send(head, body)
            took.append((time.perf_counter() - begin) * 1_000)
            statuses[status] += 1
        line.writer.close()

    begin = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return time.perf_counter() - begin, took, statuses


async def empty_answers(port: int, pid: int, clients: int, count: int) -> tuple[float, float]:
    """Return the p99 in ms and the worker's CPU in ms of an answer that does nothing: what HTTP itself takes here."""
    took: list[float] = []
    work = iter(range(count))

    async def client() -> None:
        line = Line(port)
        await line.open()
        for _ in work:
            begin = time.perf_counter()
            await line.send("GET /healthz HTTP/1.1")
            took.append((time.perf_counter() - begin) * 1_000)
        line.writer.close()

    before = cpu_seconds(pid)
    await asyncio.gather(*(client() for _ in range(clients)))
    return sorted(took)[int(count * 0.99)], (cpu_seconds(pid) - before) / count * 1_000


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of all it started."""
    path = Path(f"/proc/{pid}")
    spent = sum(int(ticks) for ticks in (path / "stat").read_text().rsplit(")", 1)[1].split()[11:13])
    children = [int(child) for task in path.glob("task/*/children") for child in task.read_text().split()]
    return spent / os.sysconf("SC_CLK_TCK") + sum(cpu_seconds(child) for child in children)


async def bare_inserts(url: str) -> float:
    """Committed inserts a second of the database alone."""
    connections = [await asyncpg.connect(url.replace("+asyncpg", "")) for _ in range(CLIENTS)]
    await connections[0].execute("CREATE TABLE bench_bare (id uuid PRIMARY KEY, name text)")
    work = iter(range(PEOPLE))

    async def client(connection: asyncpg.Connection) -> None:
        for _ in work:
            await connection.execute(BARE, new_id())

    begin = time.perf_counter()
    await asyncio.gather(*(client(connection) for connection in connections))
    seconds = time.perf_counter() - begin
    for connection in connections:
        await connection.close()
    return PEOPLE / seconds


async def main() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder, throw_away(durable=True) as cluster:
        await asyncio.to_thread(upgrade, cluster.url())
        engine = make_engine(cluster.app_url(), pool_size=1)
        reception = NewAccount(
            new_id(), "tiepdon", "Trần Thị Mai", "", "K01", frozenset({Role.RECEPTION}), PASSWORD
        )
        async with make_sessions(engine).begin() as session:
            await add_account(session, reception, settings=KernelSettings(), now=utc_now())
        await engine.dispose()
        port = free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HOSPITAL_")}
        environment = kept | {
            "HOSPITAL_DATA_DIR": folder,
            "HOSPITAL_INLINE_WORKER": "false",
            "HOSPITAL_CPU_WORKERS": "0",
            "HOSPITAL_POOL_SIZE": "16",
            "DATABASE_URL": cluster.app_url(),
            "HOSPITAL_OWNER_URL": cluster.url(),
        }
        log = Path(folder) / "web.log"
        with child("serve", "--port", str(port), "--workers", "1", environment=environment, log=log) as web:
            await asyncio.to_thread(wait_until_it_answers, f"http://127.0.0.1:{port}/readyz", web, log)
            headers = await signed_in(port)
            await register(port, headers, 0, WARM)
            before = cpu_seconds(web.pid)
            seconds, took, statuses = await register(port, headers, WARM, PEOPLE)
            spent = (cpu_seconds(web.pid) - before) / PEOPLE * 1_000
            empty_p99, empty_cpu = await empty_answers(port, web.pid, CLIENTS, PEOPLE)
        assert set(statuses) == {201}, statuses
        bare = await bare_inserts(cluster.url())
    rate, p99 = PEOPLE / seconds, sorted(took)[int(len(took) * 0.99)]
    return [
        {
            "name": f"register a patient over HTTP, {CLIENTS} clients, 1 worker",
            "value": rate,
            "unit": "patients/s",
            "floor": bare,
            "ratio": rate / bare,
            "budget": BUDGET,
        },
        {
            "name": "the same, p99",
            "value": p99,
            "unit": "ms wall",
            "floor": empty_p99,
            "floor_text": f"{empty_p99:.3g} the empty answer",
            "ratio": p99 / empty_p99,
        },
        {
            "name": "the same, CPU of the web worker for one",
            "value": spent,
            "unit": "ms CPU",
            "floor": empty_cpu,
            "floor_text": f"{empty_cpu:.3g} the empty answer",
            "ratio": spent / empty_cpu,
            "budget": 1_000 / BUDGET,
        },
    ]
