"""A hundred prepared two-page notes signed B-T with one confirmation over HTTP, the database included, TSA 40 ms away.

A whole hospital runs as its own processes; while it signs, a page is asked for at a fixed rate. Floor: the same hundred
key operations plus the waiting that cannot be overlapped further.

python -m bench.batch
"""

import asyncio
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from msgspec.structs import replace

from bench._signing_peers import _serve
from bench.pages import latencies, p99
from bench.render import our_paper
from hospital.demo.environment import demo_environment
from hospital.demo.known import DEMO_PASSWORD, DEMO_PIN, staff_rows
from hospital.demo.running import Hospital, running_hospital
from hospital.demo.seed import seed
from hospital.migrate import upgrade
from hospital.postgres import Cluster, throw_away
from hospital.processes import free_port
from hospital.settings import read_settings
from kernel.clock import utc_now
from kernel.db import make_engine, make_sessions
from kernel.objects import FolderStore
from kernel.paper.render import render
from signing.api import NewDocument, NewSlot, prepare_document
from signing.keys import open_pkcs12

NOTES, BATCHES, DELAY_MS = 100, 4, 40
TSA = "HOSPITAL_SIGNING_TSA_URLS"
PAGE, RATE = "/workbench/rooms/PK1", 60
AUTHOR = UUID(next(row["id"] for row in staff_rows() if row["username"] == "bacsi"))


async def prepare(hospital: Hospital, count: int) -> list[str]:
    """Render two-page notes, store them and let them wait for one doctor's signature."""
    engine = make_engine(hospital.environment["DATABASE_URL"], pool_size=1)
    objects, sessions = FolderStore(hospital.data_dir / "objects"), make_sessions(engine)
    ids = []
    for number in range(count):
        paper = our_paper(1)
        pdf = render(replace(paper, title=f"Phiếu {number} {uuid4()}"))
        document = NewDocument(
            id=uuid4(),
            kind="PKB",
            title=f"Phiếu khám bệnh {number}",
            subject=f"bench:{uuid4()}",
            author_id=AUTHOR,
            sha256=await objects.put(pdf),
            slots=[NewSlot(field="bac_si", label="Bác sĩ", owner_staff_id=AUTHOR)],
            pages=2,
            patient_name="NGUYỄN VĂN AN",
        )
        async with sessions.begin() as session:
            await prepare_document(session, document, now=utc_now())
        ids.append(str(document.id))
    await engine.dispose()
    return ids


def key_ms(hospital: Hospital) -> float:
    """One key operation with this hospital's key, median ms."""
    signer = open_pkcs12((hospital.data_dir / "pki" / "keys" / "bacsi.p12").read_bytes(), DEMO_PIN)
    figures = []
    for _ in range(50):
        start = time.perf_counter()
        signer.sign_now(b"\x31" + bytes(200))
        figures.append((time.perf_counter() - start) * 1000)
    return statistics.median(figures)


def signed_in(base_url: str) -> httpx.Client:
    client = httpx.Client(base_url=base_url, timeout=60)
    client.headers["x-csrf-token"] = client.get("/login").cookies["lanh_csrf"]
    body = {"username": "bacsi", "password": DEMO_PASSWORD}
    client.post("/api/login", json=body).raise_for_status()
    client.headers["x-csrf-token"] = client.cookies["lanh_csrf"]
    return client


def one_batch(client: httpx.Client, ids: list[str]) -> float:
    """Sign and return the wall time in ms; every document must be signed, and stamped."""
    start = time.perf_counter()
    answer = client.post("/api/signing/signatures", json={"documents": ids})
    wall = (time.perf_counter() - start) * 1000
    results = answer.raise_for_status().json()
    assert [result["state"] for result in results] == ["signed"] * len(ids), results[0]
    assert not any(result["warning"] for result in results), results[0]
    return wall


async def measure(hospital: Hospital) -> list[dict[str, Any]]:
    ids = await prepare(hospital, NOTES * (BATCHES + 1) + 20)
    client = signed_in(hospital.base_url)
    client.post("/api/signing/unlock", json={"pin": DEMO_PIN}).raise_for_status()
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    for half in (ids[-20:-10], ids[-10:]):  # Statements are prepared, connections open, the status known.
        client.post("/api/signing/signatures", json={"documents": half}).raise_for_status()
    await latencies(hospital.base_url, cookies, PAGE, 50, 1)
    alone, beside, waits = [], [], []
    for number in range(BATCHES + 1):
        part = ids[number * NOTES : (number + 1) * NOTES]
        if number < 2:
            alone.append(await asyncio.to_thread(one_batch, client, part))
            continue
        pages = asyncio.create_task(latencies(hospital.base_url, cookies, PAGE, RATE, 1.2))
        await asyncio.sleep(0.1)
        beside.append(await asyncio.to_thread(one_batch, client, part))
        waits += await pages
    quiet = p99(await latencies(hospital.base_url, cookies, PAGE, RATE, 2))
    floor = NOTES * key_ms(hospital) + DELAY_MS
    name = (
        f"{NOTES} two-page notes B-T, one confirmation over HTTP, database included, TSA {DELAY_MS} ms away"
    )
    return [
        _row(name, min(alone), "ms wall", floor, f"{floor:.0f} ms: key operations and one wait", 1000),
        _row(
            f"{name}, pages asked for meanwhile",
            statistics.median(beside),
            "ms wall",
            min(alone),
            f"{min(alone):.0f} ms alone",
            1000,
        ),
        _row(
            f"a page meanwhile, {RATE}/s, p99",
            p99(sorted(waits)),
            "ms wall",
            quiet,
            f"{quiet:.1f} ms, idle",
            100,
        ),
    ]


def _row(
    name: str, figure: float, unit: str, floor: float, floor_text: str, budget: object
) -> dict[str, Any]:
    ratio = figure / floor
    print(f"{name}: {figure:.4g} {unit}, {ratio:.2f} × {floor_text} (budget {budget})")
    return {
        "name": name,
        "value": figure,
        "unit": unit,
        "floor": floor,
        "floor_text": floor_text,
        "ratio": ratio,
        "budget": budget,
    }


def make_house(folder: Path, cluster: Cluster, outside_port: int) -> None:
    """Migrate and seed first, so that certificates name the hospital's own authority for their status."""
    environment = demo_environment(
        folder,
        database_url=cluster.app_url(),
        owner_url=cluster.url(),
        base_url="http://127.0.0.1",
        outside_url=f"http://127.0.0.1:{outside_port}",
    )
    upgrade(cluster.url())
    asyncio.run(seed(read_settings(environment)))


@contextmanager
def a_house() -> Iterator[Hospital]:
    """A whole hospital whose timestamps come from a process some time away."""
    port, outside_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as name, throw_away() as cluster:
        folder = Path(name)
        make_house(folder, cluster, outside_port)
        os.environ[TSA] = f'["http://127.0.0.1:{port}/"]'
        authority = multiprocessing.get_context("spawn").Process(
            target=_serve, args=(folder, port, DELAY_MS), daemon=True
        )
        authority.start()
        try:
            with running_hospital(
                folder,
                database_url=cluster.app_url(),
                owner_url=cluster.url(),
                outside_port=outside_port,
            ) as hospital:
                yield hospital
        finally:
            authority.terminate()
            authority.join()
            del os.environ[TSA]


def main() -> list[dict[str, Any]]:
    with a_house() as hospital:
        return asyncio.run(measure(hospital))


if __name__ == "__main__":
    main()
