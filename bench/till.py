"""Cashier's click → code on the second screen, bank notice → PAID on both, beside 100 open screens.

Floor: one bare commit beside each payment, the same share of them.

A real server process, real HTTP and event streams over loopback, ledger and match included. The clients share its
two cores, so they read with as little as reading takes, and their own CPU is told beside the server's.
"""

import asyncio
import os
import re
import tempfile
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

import asyncpg
import httpx
import msgspec
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bench.outbox import migrated, quantile
from bench.register import Line, cpu_seconds
from billing.api import NewPrice, PriceKind, add_counter, add_prices, sepay_signature
from billing.charges.service import ChargeOrder, charge_order
from emr.api import RegisterPatient, Sex, register_patient
from hospital.processes import child, free_port, wait_until_it_answers
from kernel.clock import utc_now
from kernel.db import make_engine, make_sessions
from kernel.ids import new_id
from kernel.settings import KernelSettings
from kernel.staff.api import SYSTEM, NewAccount, Role, add_account

SCREENS, PAYMENTS, PER_SECOND = 100, 200, 5
WARM, REST_SECONDS, PRICE = 20, 4.0, 150_000
COUNTERS = [f"C{number}" for number in range(SCREENS)]
EVENT_END = b"\r\n\r\n"
SECRET, PASSWORD = "bench-secret", "lanh-do-toc-2026"
CODE_BUDGET, PAID_BUDGET, CPU_BUDGET = 15.0, 50.0, 15.0


class Stream(asyncio.Protocol):
    """One open event stream, read as cheaply as can be: the server is what is measured, not its hundred readers."""

    def __init__(self, head: str) -> None:
        self.head = head
        self.left = b""
        self.waiting: dict[bytes, asyncio.Future[float]] = {}

    async def open(self, port: int) -> Self:
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", port)
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(f"{self.head}\r\nhost: 127.0.0.1\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        """Tell who waits for a word of this event; an event may come in pieces."""
        now = time.perf_counter()
        *told, self.left = (self.left + data).split(EVENT_END)
        for event in told if self.waiting else ():
            for word in [word for word in self.waiting if word in event]:
                self.waiting.pop(word).set_result(now)

    def wait(self, word: str) -> asyncio.Future[float]:
        """Return the moment of the next event that holds this word."""
        found: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.waiting[word.encode()] = found
        return found


async def seed(sessions: async_sessionmaker[AsyncSession], settings: KernelSettings) -> list[str]:
    """A cashier, 100 counters, a price, and an episode with one exam per payment."""
    now, episodes = utc_now(), []
    async with sessions.begin() as session:
        account = NewAccount(
            id=new_id(),
            username="bench",
            name="Đo Tốc Độ",
            title="",
            department="P01",
            roles=frozenset({Role.CASHIER}),
            password=PASSWORD,
        )
        await add_account(session, account, settings=settings, now=now)
        for number, counter in enumerate(COUNTERS):
            await add_counter(session, counter, f"Quầy {number}")
        await add_prices(session, [NewPrice("KB01", PriceKind.FEE, PRICE, date(2020, 1, 1))])
        for number in range(WARM + PAYMENTS):
            person = RegisterPatient(
                id=new_id(),
                name=f"Người Bịa {chr(65 + number % 26)}{chr(65 + number // 26)}",
                birth_date=date(1990, 1, 1),
                sex=Sex.MALE,
            )
            patient = await register_patient(session, person, actor=SYSTEM, now=now)
            order = ChargeOrder(
                order_id=new_id(),
                episode_id=new_id(),
                patient_id=patient.id,
                service_code="KB01",
                service_name="Khám bệnh",
                group="13",
                quantity=1,
                payer="SELF_PAY",
                in_scope=False,
                on_demand=False,
                placed_at=now,
            )
            await charge_order(session, order, now=now)
            episodes.append(str(order.episode_id))
    return episodes


async def pair(client: httpx.AsyncClient, staff: dict[str, str], counter: str) -> str:
    """Pair one screen as a cashier does and return its cookie."""
    page = await client.get(f"/screens/{counter}")
    cookie = f"lanh_screen={page.cookies['lanh_screen']}"
    digits = re.search(r'class="pair">(\d{3}) (\d{3})<', page.text)
    assert digits
    body = {"counter": counter, "code": "".join(digits.groups())}
    answer = await client.post("/api/billing/screens", json=body, headers=staff)
    assert answer.status_code == 204, answer.text
    client.cookies.clear()
    return cookie


async def sign_in(client: httpx.AsyncClient) -> dict[str, str]:
    await client.get("/login")
    token = client.cookies["lanh_csrf"]
    answer = await client.post("/api/login", json={"username": "bench", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    client.cookies.clear()
    return {"cookie": cookies, "x-csrf-token": token}


async def one_payment(
    port: int, staff: dict[str, str], screen: Stream, till: Stream, counter: str, episode: str, number: int
) -> tuple[float, float, float]:
    """Click, see the code; send the notice, see PAID on the counter's screen and news on the cashier's page."""
    line, request_id, code = Line(port), str(new_id()), screen.wait(face("paying"))
    await line.open()
    headers = "\r\n".join(f"{name}: {value}" for name, value in staff.items())
    body = msgspec.json.encode({"id": request_id, "episode_id": episode, "counter": counter})
    clicked = time.perf_counter()
    head = f"POST /api/billing/requests HTTP/1.1\r\ncontent-type: application/json\r\n{headers}"
    status, _ = await line.send(head, body)
    assert status == 201, line.body
    shown = await asyncio.wait_for(code, 20) - clicked
    raw = (
        f'{{"id":{number},"gateway":"B","transactionDate":"2026-11-21 14:02:37","accountNumber":"1","content":'
        f'"{msgspec.json.decode(line.body)["reference"]}","transferType":"in","transferAmount":{PRICE},"referenceCode":"F{number}"}}'
    ).encode()
    stamp = str(int(time.time()))
    signed = f"x-sepay-timestamp: {stamp}\r\nx-sepay-signature: {sepay_signature(SECRET, stamp, raw)}"
    paid, news = screen.wait(face("paid")), till.wait(request_id)
    told = time.perf_counter()
    status, _ = await line.send(f"POST /webhooks/sepay HTTP/1.1\r\n{signed}", raw)
    assert status == 200, line.body
    line.writer.close()
    return shown, await asyncio.wait_for(paid, 20) - told, await asyncio.wait_for(news, 20) - told


def face(name: str) -> str:
    """The words of an event that carries this face."""
    return f'data-face=\\"{name}\\"'


class Found(NamedTuple):
    """What the run told: seconds to the code, to PAID on the screen, to the cashier's news; and who spent what."""

    moments: list[tuple[float, float, float]]
    commits: list[float]
    web_ms: float
    bare_ms: float
    idle_ms: float
    reader_ms: float
    waited_ms: float


async def open_screens(port: int) -> tuple[dict[str, str], list[Stream], Stream]:
    """Sign the cashier in, pair a screen with each counter and open every stream."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        staff = await sign_in(client)
        cookies = {counter: await pair(client, staff, counter) for counter in COUNTERS}
    screens = [
        Stream(f"GET /screens/{counter}/live HTTP/1.1\r\ncookie: {cookie}")
        for counter, cookie in cookies.items()
    ]
    ready = [screen.wait(face("waiting")) for screen in screens]
    till = Stream(f"GET /till/live HTTP/1.1\r\ncookie: {staff['cookie']}")
    ready.append(till.wait("reload"))
    for stream in [*screens, till]:
        await stream.open(port)
    await asyncio.wait_for(asyncio.gather(*ready), 60)
    return staff, screens, till


async def measure(port: int, server: int, episodes: list[str], url: str) -> Found:
    """Rest with every screen open, then pay at a steady rate."""
    staff, screens, till = await open_screens(port)

    async def pay(numbers: range) -> list[tuple[float, float, float]]:
        start, tasks = time.perf_counter(), []
        for step, number in enumerate(numbers):
            await asyncio.sleep(max(0.0, start + step / PER_SECOND - time.perf_counter()))
            place = number % SCREENS
            work = one_payment(
                port, staff, screens[place], till, COUNTERS[place], episodes[number], number + 1
            )
            tasks.append(asyncio.create_task(work))
        return await asyncio.gather(*tasks)

    await pay(range(WARM))
    spent = cpu_seconds(server)
    await asyncio.sleep(REST_SECONDS)
    idle = cpu_seconds(server) - spent
    floor: list[float] = []
    committing = asyncio.create_task(commits(url, floor))
    spent, waited, own = cpu_seconds(server), waited_seconds(server), time.process_time()
    found = await pay(range(WARM, WARM + PAYMENTS))
    spent, waited, own = (
        cpu_seconds(server) - spent,
        waited_seconds(server) - waited,
        time.process_time() - own,
    )
    committing.cancel()
    for stream in [*screens, till]:
        stream.transport.close()
    bare = await bare_seconds(port, server)
    parts = (spent / PAYMENTS, bare, idle / REST_SECONDS, own / PAYMENTS, waited / PAYMENTS)
    return Found(found, floor, *(1_000 * part for part in parts))


async def bare_seconds(port: int, server: int) -> float:
    """What two requests cost the web worker that touch nothing: a payment is two requests."""
    line, pairs = Line(port), 500
    await line.open()
    spent = cpu_seconds(server)
    for _ in range(pairs * 2):
        await line.send("GET /healthz HTTP/1.1")
    line.writer.close()
    return (cpu_seconds(server) - spent) / pairs


async def commits(url: str, took: list[float]) -> None:
    """Commit one bare row beside each payment, until cancelled: what the disk and the machine gave at that time."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute("CREATE TABLE IF NOT EXISTS bench_bare (at timestamptz)")
    try:
        while True:
            begin = time.perf_counter()
            await connection.execute("INSERT INTO bench_bare VALUES (now())")
            took.append((time.perf_counter() - begin) * 1_000)
            await asyncio.sleep(1 / PER_SECOND)
    finally:
        connection.terminate()


def waited_seconds(pid: int) -> float:
    """How long a process and its children were ready to run while others had the cores."""
    waited = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        waited += int((task / "schedstat").read_text().split()[1]) / 1e9
        waited += sum(waited_seconds(int(child)) for child in (task / "children").read_text().split())
    return waited


def main() -> list[dict[str, Any]]:
    """Return p50 and p99 of the code and of PAID."""
    with migrated() as cluster, tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, port = Path(name), free_port()
        settings = KernelSettings(data_dir=folder)

        async def prepare() -> list[str]:
            engine = make_engine(cluster.app_url(), pool_size=2)
            cheap = replace(settings, argon2_memory_kib=64, argon2_rounds=1)
            episodes = await seed(make_sessions(engine), cheap)
            await engine.dispose()
            return episodes

        episodes = asyncio.run(prepare())
        environment = {
            **os.environ,
            "DATABASE_URL": cluster.app_url(),
            "HOSPITAL_DATA_DIR": name,
            "HOSPITAL_BILLING_SEPAY_SECRET": SECRET,
            "HOSPITAL_INLINE_WORKER": "false",
            "HOSPITAL_CPU_WORKERS": "0",
        }
        server = stack.enter_context(
            child("serve", "--port", str(port), environment=environment, log=folder / "web.log")
        )
        wait_until_it_answers(f"http://127.0.0.1:{port}/readyz", server, folder / "web.log")
        found = asyncio.run(measure(port, server.pid, episodes, cluster.url()))
    codes, screens = ([row[place] * 1_000 for row in found.moments] for place in (0, 1))
    both = [max(row[1:]) * 1_000 for row in found.moments]
    rows = []
    for what, values, budget in (
        ("click → code on the second screen", codes, CODE_BUDGET),
        ("notice → PAID on the second screen", screens, None),
        ("notice → PAID, both screens told", both, PAID_BUDGET),
    ):
        for share in (0.5, 0.99):
            figure, floor = quantile(values, share), quantile(found.commits, share)
            row = {
                "name": f"{what}, {SCREENS} screens, p{share * 100:.0f}",
                "value": figure,
                "unit": "ms wall",
            }
            row |= {"floor": floor, "ratio": figure / floor, "budget": budget if share > 0.9 else None}
            rows.append(row)
            print(f"{row['name']}: {figure:.1f} ms ({figure / floor:.1f} × a bare commit of {floor:.2f} ms)")
    rows += [
        {
            "name": f"web worker for one payment, its share of {SCREENS} open screens included",
            "value": found.web_ms,
        }
        | {
            "unit": "ms CPU",
            "floor": found.bare_ms,
            "ratio": found.web_ms / found.bare_ms,
            "budget": CPU_BUDGET,
        },
        {
            "name": f"web worker at rest, {SCREENS} screens open, for one second",
            "value": found.idle_ms,
            "unit": "ms CPU",
        },
        {"name": "the clients of this bench for one payment", "value": found.reader_ms, "unit": "ms CPU"},
        {
            "name": "web worker ready, but no core free, for one payment",
            "value": found.waited_ms,
            "unit": "ms wall",
        },
    ]
    for row in rows[-4:]:
        print(f"{row['name']}: {row['value']:.1f} {row['unit']}")
    print(f"two requests that only answer: {found.bare_ms:.1f} ms CPU")
    return rows


if __name__ == "__main__":
    main()
