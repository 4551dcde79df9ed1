"""Business writes of 50 writers without and with an audit row each, the sealer running: the rate that is left.

Beside sealing and proving: a plain read of as many of the same rows, on one connection.
"""

import asyncio
import contextlib
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from hospital.migrate import upgrade
from hospital.postgres import Cluster, find_binaries, throw_away
from kernel.audit.seal import seal
from kernel.audit.signer import FileSigner
from kernel.audit.verify import verify_audit
from kernel.db import make_engine, make_sessions

WRITERS, SECONDS, ROUNDS = 50, 4, 3
BUDGET = 0.8
WORK_MS = 3  # What a request spends inside its transaction.

AUDIT_ROW = """INSERT INTO kernel_audit (action, subject, patient_id, actor_id, actor_name, actor_roles, department, ip,
detail) VALUES ('view', 'emr.visit:' || :n, '0197a1c2-aaaa-7bbb-8ccc-1234567890ab', '0197a1c2-aaaa-7bbb-8ccc-123456789000',
'Bác sĩ Thử', '{doctor}', 'K01', '10.0.0.7', '{"field": "note"}');""".replace("\n", " ")


def script(*, audited: bool) -> str:
    lines = [
        "\\set n random(1, 1000000000)",
        "BEGIN;",
        "INSERT INTO bench_business (v) VALUES (:n);",
        *([AUDIT_ROW] if audited else []),
        f"\\sleep {WORK_MS} ms",
        "COMMIT;",
    ]
    return "\n".join(lines) + "\n"


def rate(pgbench: str, cluster: Cluster, folder: Path, *, audited: bool) -> float:
    """Return transactions a second."""
    file = folder / f"{audited}.sql"
    file.write_text(script(audited=audited))
    command = [pgbench, "-n", "-h", str(cluster.socket_dir), "-U", cluster.application, "-f", str(file)]
    command += ["-c", str(WRITERS), "-j", "2", "-T", str(SECONDS), "-M", "prepared", "lanh"]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(
        next(line for line in output.splitlines() if line.startswith("tps")).split("=")[1].split()[0]
    )


async def prepare(cluster: Cluster) -> None:
    engine = create_async_engine(cluster.url())
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE bench_business (id bigserial PRIMARY KEY, v int)"))
        await connection.execute(text("GRANT ALL ON bench_business, bench_business_id_seq TO lanh_app"))
    await engine.dispose()


async def keep_sealing(cluster: Cluster, stop: threading.Event, slowest: list[float]) -> None:
    engine = make_engine(cluster.app_url(), pool_size=1)
    sessions = make_sessions(engine)
    while not stop.is_set():
        begin = time.perf_counter()
        async with sessions.begin() as session:
            await seal(session)
        slowest.append((time.perf_counter() - begin) * 1_000)
        await asyncio.sleep(1)
    async with sessions.begin() as session:
        await seal(session)
    await engine.dispose()


@contextlib.contextmanager
def sealer(cluster: Cluster, slowest: list[float]) -> Any:
    stop = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(keep_sealing(cluster, stop, slowest)))
    thread.start()
    yield
    stop.set()
    thread.join()


async def check(cluster: Cluster, folder: Path) -> tuple[int, float]:
    """Prove the whole log; return its rows and the seconds that took. Raises AssertionError if it does not hold."""
    engine = make_engine(cluster.app_url(), pool_size=1)
    begin = time.perf_counter()
    async with make_sessions(engine)() as session:
        verdict = await verify_audit(session, FileSigner(folder))
    await engine.dispose()
    assert verdict.ok, "the log does not verify"
    assert verdict.tail.rows == 0, "the last rows are in no block"
    return verdict.rows, time.perf_counter() - begin


async def plain_reads(cluster: Cluster) -> tuple[float, float]:
    """Return the ms it takes to read as many rows as the largest block holds, and the seconds for all."""
    connection = await asyncpg.connect(cluster.app_url().replace("+asyncpg", ""))
    largest = await connection.fetchval("SELECT max(row_count) FROM kernel_audit_block")
    took = []
    for limit in (largest, largest, None):  # Once to warm.
        begin = time.perf_counter()
        await connection.fetch("SELECT * FROM kernel_audit ORDER BY id LIMIT $1", limit)
        took.append(time.perf_counter() - begin)
    await connection.close()
    return took[1] * 1_000, took[2]


def main() -> list[dict[str, Any]]:
    """Print one line and return the rows. The floor is the rate of the same writes without audit."""
    pgbench = shutil.which("pgbench", path=str(find_binaries())) or shutil.which("pgbench")
    if pgbench is None:
        print("audit: pgbench is not on this machine, nothing measured")
        return []
    slowest: list[float] = []
    with throw_away(durable=True) as cluster, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        upgrade(cluster.url())
        asyncio.run(prepare(cluster))
        pairs = []
        for _ in range(ROUNDS):
            plain = rate(pgbench, cluster, folder, audited=False)
            with sealer(cluster, slowest):
                pairs.append((plain, rate(pgbench, cluster, folder, audited=True)))
        rows, seconds = asyncio.run(check(cluster, folder))
        block_read, log_read = asyncio.run(plain_reads(cluster))
    plain, audited = sorted(pairs, key=lambda pair: pair[1] / pair[0])[ROUNDS // 2]
    print(f"audit: {audited:.0f}/s of {plain:.0f}/s, seal {max(slowest):.0f} ms at most, {rows} rows proven")
    return [
        {
            "name": f"writes with audit, {WRITERS} writers (budget: share kept)",
            "value": audited,
            "unit": "tx/s",
            "floor": plain,
            "ratio": audited / plain,
            "budget": BUDGET,
        },
        {
            "name": "slowest seal",
            "value": max(slowest),
            "unit": "ms wall",
            "floor": block_read,
            "floor_text": f"{block_read:.3g} reading as many rows",
            "ratio": max(slowest) / block_read,
        },
        {
            "name": f"verify {rows} rows",
            "value": seconds,
            "unit": "s",
            "floor": log_read,
            "floor_text": f"{log_read:.3g} reading them",
            "ratio": seconds / log_read,
        },
    ]


if __name__ == "__main__":
    main()
