"""Searching people, in the database: p99 of each way to ask, beside an index probe of the same run.

BENCH_PATIENTS sets how many people there are (100 000; the budgets speak of 1 000 000).
"""

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, cast
from uuid import UUID

import asyncpg
from sqlalchemy import Table, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.schema import CreateIndex, DropIndex

from emr.catalogs.load import copy_rows
from emr.patients.models import Patient, PatientIdentifier
from emr.patients.search import asked_for, name_pairs, statements
from hospital.migrate import upgrade
from hospital.postgres import throw_away
from kernel.clock import utc_now
from kernel.db import make_engine, make_sessions
from kernel.text import fold
from tools.make_demo_patients import FAMILY, GIVEN, MIDDLE

PEOPLE = int(os.environ.get("BENCH_PATIENTS", "100000"))
ASKED, LIMIT = 400, 20
DIALECT = asyncpg_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves its dialects untyped


def a_name(dice: random.Random) -> str:
    sex = dice.choice(["MALE", "FEMALE"])
    middle = dice.choices(MIDDLE[sex], k=dice.choice([1, 1, 2]))
    return " ".join([dice.choice(FAMILY), *middle, dice.choice(GIVEN[sex])])


def people() -> Iterator[dict[str, Any]]:
    """Invented rows; names are folded once each."""
    dice, now, known = random.Random(1), utc_now(), {}
    for number in range(PEOPLE):
        name = a_name(dice)
        if name not in known:
            key = fold(name)
            words = key.split()
            known[name] = (key, " ".join([words[-1], *words[:-1]]), name_pairs(key))
        key, given, pairs = known[name]
        yield {
            "id": UUID(int=number),
            "code": f"BN26{number:06d}",
            "name": name,
            "name_key": key,
            "given_key": given,
            "name_pairs": pairs,
            "birth_date": date(1940 + number % 85, 1 + number % 12, 1 + number % 28),
            "birth_precision": "DAY",
            "sex": "UNKNOWN",
            "citizen_id": f"{number:012d}",
            "phone": f"+8450{dice.randrange(10**7):07d}",
            "address": "",
            "nationality": "VN",
            "occupation": "",
            "allergies": "",
            "revision": 1,
            "fingerprint": b"",
            "registered_at": now,
            "registered_by": UUID(int=0),
        }


def numbers() -> Iterator[dict[str, Any]]:
    now = utc_now()
    for number in range(PEOPLE):
        yield {
            "patient_id": UUID(int=number),
            "kind": "CITIZEN",
            "value": f"{number:012d}",
            "recorded_at": now,
            "active": True,
            "recorded_by": UUID(int=0),
            "ended_reason": "",
        }


Asker = Callable[[random.Random], str]


def prefix(dice: random.Random) -> str:
    key = fold(a_name(dice))
    return key[: dice.randrange(6, len(key) + 1)]


def any_order(dice: random.Random) -> str:
    words = fold(a_name(dice)).split()
    return f"{words[1]} {words[-1]}" if dice.random() < 0.5 else f"{words[-1]} {words[0][:3]}"


# Name, what is typed, how many of the look-ups it leads to, budget.
ASKERS: list[tuple[str, Asker, int | None, float]] = [
    ("personal number", lambda dice: f"{dice.randrange(PEOPLE):012d}", None, 1),
    ("phone, last 6 digits", lambda dice: f"{dice.randrange(10**6):06d}", None, 1),
    ("name prefix, 6 letters or more", prefix, 1, 1),
    ("the same, and its words in any order when fewer than 20 begin so", prefix, None, 25),
    ("two words in any order", any_order, None, 25),
]


async def ask(connection: asyncpg.Connection, typed: str, first: int | None) -> int:
    """Run what find_patients would, without the driver-side conversion; returns the rows read."""
    rows = 0
    for statement in statements(asked_for(typed))[:first]:
        compiled = statement.limit(LIMIT).compile(dialect=DIALECT)
        arguments = [compiled.params[name] for name in compiled.positiontup or ()]
        asked = await connection.prepare(str(compiled))
        begin = time.perf_counter()
        rows += len(await asked.fetch(*arguments))
        _spent.append((time.perf_counter() - begin) * 1_000)
        if rows >= LIMIT:
            break
    return rows


_spent: list[float] = []


async def p99(connection: asyncpg.Connection, asker: Asker, first: int | None) -> float:
    dice, took = random.Random(3), []
    for _ in range(ASKED):
        _spent.clear()
        await ask(connection, asker(dice), first)
        took.append(sum(_spent))
    return sorted(took)[int(ASKED * 0.99) - 1]


async def index_probe(connection: asyncpg.Connection) -> float:
    """One row by its unique code: what no search can beat."""
    dice, took = random.Random(4), []
    probe = await connection.prepare("SELECT id FROM emr_patient WHERE code = $1")
    for _ in range(ASKED):
        code = f"BN26{dice.randrange(PEOPLE):06d}"
        begin = time.perf_counter()
        await probe.fetch(code)
        took.append((time.perf_counter() - begin) * 1_000)
    return sorted(took)[int(ASKED * 0.99) - 1]


async def measure(url: str) -> list[dict[str, Any]]:
    engine = make_engine(url)
    async with make_sessions(engine).begin() as session:
        # An index is built in a tenth of the time it takes to feed it row by row.
        indexes = [index for index in cast(Table, Patient.__table__).indexes if not index.unique]
        for index in indexes:
            await session.execute(DropIndex(index))
        await copy_rows(session, Patient, people())
        for index in indexes:
            await session.execute(CreateIndex(index))
        await copy_rows(session, PatientIdentifier, numbers())
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE"))
    await engine.dispose()
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        floor = await index_probe(connection)
        rows = []
        for name, asker, first, budget in ASKERS:
            value = await p99(connection, asker, first)
            rows.append(
                {
                    "name": f"{name}, {PEOPLE} people",
                    "value": value,
                    "unit": "ms, p99",
                    "floor": floor,
                    "ratio": value / floor,
                    "budget": budget,
                }
            )
        return rows
    finally:
        await connection.close()


def main() -> list[dict[str, Any]]:
    with throw_away() as cluster:
        upgrade(cluster.url())
        return asyncio.run(measure(cluster.url()))
