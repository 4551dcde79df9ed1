"""Gapless receipts of 50 tills: a payment's rows, then its number, one commit. Floor: the same rows, numbers with gaps.

Driven by pgbench against the migrated schema as the application's role; one transaction in twenty rolls back.
"""

import asyncio
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import text

from bench.outbox import migrated
from kernel.db import make_engine

TILLS, SECONDS = 50, 8
BUDGET = 2_000.0
ACCOUNT = "00000000-0000-7000-8000-0000000000:till"  # One per till, 10 to 59: pgbench puts the number in.

ENTRY = f"""
INSERT INTO billing_ledger_entry (id, kind, account_id, reason, actor_id, at)
VALUES (gen_random_uuid(), 'PAYMENT', '{ACCOUNT}', '', '{ACCOUNT}', now()) RETURNING id AS entry \\gset
INSERT INTO billing_ledger_posting (entry_id, book, account_id, amount)
VALUES (':entry', 'CASH', '{ACCOUNT}', 500000), (':entry', 'PATIENT', '{ACCOUNT}', -500000);
INSERT INTO kernel_job (kind, payload) VALUES ('bench', '{{}}');
"""
_ROW = f"""INSERT INTO billing_receipt (id, book, year, sequence, kind, method, account_id, episode_id, patient_id,
    entry_id, reference, title, amount, excess, cashier_name, issued_at)
SELECT gen_random_uuid(), {{book}}, 2026, {{number}}, 'BILL', 'CASH', '{ACCOUNT}', '{ACCOUNT}', '{ACCOUNT}',
    ':entry', '', '', 500000, 0, '', now(){{source}};
"""
_GAPLESS = """WITH book AS (
    INSERT INTO billing_book (code, year, next_number) VALUES ({book}, 2026, 2)
    ON CONFLICT (code, year) DO UPDATE SET next_number = billing_book.next_number + 1
    RETURNING code, next_number - 1 AS number)
"""
GAPLESS = _GAPLESS.format(book="'Q' || :till") + _ROW.format(
    book="code", number="number", source=" FROM book"
)
ONE_BOOK = _GAPLESS.format(book="'ONE'") + _ROW.format(book="code", number="number", source=" FROM book")
WITH_GAPS = _ROW.format(book="'S'", number="nextval('bench_numbers')", source="")


def script(receipt: str) -> str:
    ending = "\\if :fate = 1\nROLLBACK;\n\\else\nCOMMIT;\n\\endif\n"
    return f"\\set till random(10, 59)\n\\set fate random(1, 20)\nBEGIN;\n{ENTRY}{receipt}{ending}"


def pgbench(url: str, commands: str, folder: Path) -> float:
    """Transactions a second over 50 connections."""
    place = urlsplit(url)
    host = parse_qs(place.query).get("host", [place.hostname or "127.0.0.1"])[0]
    program = shutil.which("pgbench") or str(next(Path("/usr/lib/postgresql").glob("*/bin/pgbench")))
    file = folder / "script.sql"
    file.write_text(commands)
    connection = ["-h", host, "-U", place.username or "lanh_app", place.path.lstrip("/")]
    if place.port:
        connection = ["-p", str(place.port), *connection]
    options = ["-n", "-c", str(TILLS), "-j", "2", "-T", str(SECONDS), "-f", str(file)]
    done = subprocess.run([program, *options, *connection], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert found, done.stdout
    return float(found.group(1))


async def run(url: str, owner_url: str, *statements: str) -> list[Any]:
    engine = make_engine(owner_url or url, pool_size=1)
    rows: list[Any] = []
    async with engine.begin() as connection:
        for statement in statements:
            answer = await connection.execute(text(statement))
            rows = list(answer) if answer.returns_rows else []
    await engine.dispose()
    return rows


def main() -> list[dict[str, Any]]:
    """Return one row a way of numbering; assert that no number is missing."""
    setup = (
        "INSERT INTO billing_account (id, episode_id, patient_id, state, due, opened_at)"
        " SELECT id, id, id, 'OPEN', 0, now() FROM generate_series(10, 59) till,"
        " LATERAL (SELECT ('00000000-0000-7000-8000-0000000000' || till)::uuid AS id) account",
        "CREATE SEQUENCE bench_numbers",
        "GRANT USAGE ON SEQUENCE bench_numbers TO lanh_app",
    )
    gaps = (
        "SELECT count(*), max(m - c) FROM (SELECT count(*) c, max(sequence) m FROM billing_receipt"
        " WHERE book <> 'S' GROUP BY book) t"
    )
    with migrated() as cluster, tempfile.TemporaryDirectory() as name:
        folder, url = Path(name), cluster.app_url()
        asyncio.run(run(url, cluster.url(), *setup))
        pgbench(url, script(GAPLESS), folder)  # Warm, and the books exist.
        floor = pgbench(url, script(WITH_GAPS), folder)
        fifty = pgbench(url, script(GAPLESS), folder)
        one = pgbench(url, script(ONE_BOOK), folder)
        ((books, missing),) = asyncio.run(run(url, cluster.url(), gaps))
    assert missing == 0, f"{missing} numbers are missing"
    rows = [
        {"name": f"receipts, {TILLS} tills, a book each, gapless", "rate": fifty, "budget": BUDGET},
        {"name": "receipts, one book, gapless", "rate": one, "budget": None},
    ]
    for row in rows:
        rate = row["rate"]
        assert isinstance(rate, float)
        row |= {"unit": "1/s wall", "floor": floor, "ratio": rate / floor}
        print(f"{row['name']}: {rate:.0f}/s ({rate / floor:.2f} × numbers with gaps, {floor:.0f}/s)")
    print(f"{books} books, no number missing")
    return rows


if __name__ == "__main__":
    main()
