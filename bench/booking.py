"""Booking over HTTP: 32 phones fight for the same slots in order, two tries a seat, one web worker.

Every try is another patient, signed in beforehand. Afterwards no slot may hold more bookings than seats, and none
may have refused somebody while a seat was free: with two tries a seat, every slot must be full.
Floor: the same statement in the database alone, 32 connections; for the worker's time, an empty answer.
"""

import asyncio
import itertools
import os
import tempfile
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import insert, text

from bench.register import cpu_seconds, empty_answers
from emr.api import RegisterPatient, Sex
from emr.patients.bulk import load_patients
from hospital.migrate import upgrade
from hospital.postgres import throw_away
from hospital.processes import child, free_port, wait_until_it_answers
from kernel.clock import utc_now
from kernel.db import Sessions, make_engine, make_sessions
from kernel.ids import new_id
from kernel.settings import KernelSettings
from kernel.staff.api import SYSTEM, NewAccount, Role, add_account
from patient_portal.accounts.models import Account, PatientLogin
from patient_portal.accounts.rules import new_token, token_hash
from patient_portal.api import OpenSchedule, open_schedule

CLIENTS, SLOTS, SEATS = 32, 60, 20
TRIES = SLOTS * SEATS * 2
BUDGET_TRIES, BUDGET_P99_MS = 800, 60


async def prepare(sessions: Sessions) -> tuple[list[UUID], list[str]]:
    """Open the slots and sign TRIES patients in; return slots in order and one session token a patient."""
    now = utc_now()
    doctor = new_id()
    async with sessions.begin() as session:
        command = NewAccount(
            doctor, "bacsi", "Lê Minh Tuấn", "BS", "K01", frozenset({Role.DOCTOR}), "mat-khau-dai-2026"
        )
        await add_account(session, command, settings=KernelSettings(argon2_memory_kib=64), now=now)
        start = datetime(now.year + 1, 1, 4, 1, tzinfo=UTC)
        schedule = OpenSchedule(
            id=new_id(),
            department="K01",
            department_name="Khoa Khám bệnh",
            room="PK1",
            room_name="Phòng khám 1",
            practitioner_id=doctor,
            practitioner_name="BS Lê Minh Tuấn",
            service_code="KB01",
            starts_at=start,
            ends_at=start + SLOTS * timedelta(minutes=5),
            slot_minutes=5,
            capacity=SEATS,
        )
        await open_schedule(session, schedule, now=now)
        people = [
            RegisterPatient(id=new_id(), name="Trần Thị Mẫu", birth_date=date(1999, 2, 1), sex=Sex.FEMALE)
            for _ in range(TRIES)
        ]
        await load_patients(session, people, actor=SYSTEM, now=now)
        accounts = [{"id": new_id(), "patient_id": person.id, "created_at": now} for person in people]
        await session.execute(insert(Account), accounts)
        tokens = [new_token() for _ in people]
        logins = [
            {
                "id": new_id(),
                "token_hash": token_hash(token, "session"),
                "account_id": account["id"],
                "phone": "+84901234567",
                "ip": None,
                "started_at": now,
                "last_seen_at": now,
            }
            for token, account in zip(tokens, accounts, strict=True)
        ]
        await session.execute(insert(PatientLogin), logins)
        found = await session.scalars(text("SELECT id FROM portal_slot ORDER BY starts_at"))
    return list(found), tokens


class Phone:
    """One kept HTTP/1.1 connection; as little as a client can be, so that the server is what is measured."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)

    async def send(self, head: str, body: bytes = b"") -> tuple[int, bytes, bytes]:
        """Return status, head and body of the answer."""
        request = f"{head}\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n\r\n"
        self.writer.write(request.encode() + body)
        answer = await self.reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in answer.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        )
        return int(answer[9:12]), answer, await self.reader.readexactly(length)


async def csrf_token(port: int) -> str:
    phone = Phone(port)
    await phone.open()
    _, head, _ = await phone.send("GET /portal/sign-in HTTP/1.1")
    phone.writer.close()
    cookie = next(line for line in head.decode().split("\r\n") if "lanh_csrf=" in line)
    return cookie.split("lanh_csrf=")[1].split(";")[0]


async def fight(port: int, slots: list[UUID], tokens: list[str]) -> tuple[float, list[float], Counter[int]]:
    """Return seconds, milliseconds of each try, and how often each status came."""
    csrf = await csrf_token(port)
    work = iter(zip(tokens, itertools.chain.from_iterable([slot] * SEATS * 2 for slot in slots), strict=True))
    took: list[float] = []
    statuses: Counter[int] = Counter()

    async def client() -> None:
        phone = Phone(port)
        await phone.open()
        for token, slot in work:
            body = msgspec.json.encode({"id": new_id(), "slot_id": slot})
            head = (
                "POST /api/portal/bookings HTTP/1.1\r\ncontent-type: application/json\r\n"
                f"cookie: lanh_portal={token}; lanh_csrf={csrf}\r\nx-csrf-token: {csrf}"
            )
            begin = time.perf_counter()
            status, _, _ = await phone.send(head, body)
            took.append((time.perf_counter() - begin) * 1_000)
            statuses[status] += 1
        phone.writer.close()

    begin = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return time.perf_counter() - begin, took, statuses


def p99_of(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)]


FLOOR = """WITH seat AS (UPDATE portal_slot SET taken = taken + 1 WHERE id = $1 AND taken < capacity RETURNING id, day)
INSERT INTO portal_booking (id, code, slot_id, patient_id, account_id, department, day, reason, state, booked_at)
SELECT gen_random_uuid(), $3, seat.id, $2, $2, 'K01', seat.day, '', 'BOOKED', now() FROM seat RETURNING id"""


async def floor(url: str, slots: list[UUID]) -> tuple[float, float]:
    """Tries a second of the bare statement, hot, on fresh seats, and the p99 of one in ms."""
    took: list[float] = []
    connections = [await asyncpg.connect(url.replace("+asyncpg", "")) for _ in range(CLIENTS)]
    await connections[0].execute("TRUNCATE portal_booking; UPDATE portal_slot SET taken = 0")
    patients = [row["id"] for row in await connections[0].fetch("SELECT id FROM emr_patient")]
    work = iter(
        zip(patients, itertools.chain.from_iterable([slot] * SEATS * 2 for slot in slots), strict=True)
    )
    codes = ("LH" + "".join(letters) for letters in itertools.product("ABCDEFGHJK", repeat=10))

    async def client(connection: asyncpg.Connection) -> None:
        for patient, slot in work:
            started = time.perf_counter()
            await connection.fetchval(FLOOR, slot, patient, next(codes))
            took.append((time.perf_counter() - started) * 1_000)

    begin = time.perf_counter()
    await asyncio.gather(*(client(connection) for connection in connections))
    seconds = time.perf_counter() - begin
    for connection in connections:
        await connection.close()
    return TRIES / seconds, p99_of(took)


async def check(sessions: Sessions, statuses: Counter[int]) -> None:
    """Raises AssertionError if a slot is over-booked, or not full though twice as many people tried."""
    async with sessions() as session:
        held = (
            await session.execute(
                text("SELECT count(*) AS held FROM portal_booking WHERE state = 'BOOKED' GROUP BY slot_id")
            )
        ).scalars()
        counts = list(held)
    assert set(statuses) == {201, 409}, statuses
    assert counts == [SEATS] * SLOTS, counts


async def main() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder, throw_away(durable=True) as cluster:
        await asyncio.to_thread(upgrade, cluster.url())
        engine = make_engine(cluster.app_url(), pool_size=4)
        sessions = make_sessions(engine)
        slots, tokens = await prepare(sessions)
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
            before = cpu_seconds(web.pid)
            seconds, took, statuses = await fight(port, slots, tokens)
            spent = (cpu_seconds(web.pid) - before) / TRIES * 1_000
            _, empty = await empty_answers(port, web.pid, CLIENTS, TRIES)
        await check(sessions, statuses)
        await engine.dispose()
        bare, bare_p99 = await floor(cluster.url(), slots)
    rate, p99 = TRIES / seconds, p99_of(took)
    return [
        {
            "name": "booking over HTTP, hot slots, 32 clients, 1 worker",
            "value": rate,
            "unit": "tries/s",
            "floor": bare,
            "ratio": rate / bare,
            "budget": BUDGET_TRIES,
        },
        {
            "name": "the same, p99",
            "value": p99,
            "unit": "ms wall",
            "floor": bare_p99,
            "ratio": p99 / bare_p99,
            "budget": BUDGET_P99_MS,
        },
        {
            "name": "the same, CPU of the web worker for one try",
            "value": spent,
            "unit": "ms CPU",
            "floor": empty,
            "floor_text": f"{empty:.3g} the empty answer",
            "ratio": spent / empty,
        },
    ]
