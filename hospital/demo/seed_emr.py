"""Seed places, roster, catalogs, 300 invented people, a year of their visits, full wards and a waiting room.

The past is written with COPY and tells nobody; today's visits are opened as reception does, so that bills follow.
"""

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

import hospital.handlers  # noqa: F401  (today's visits must reach every handler)
from emr.catalogs.load import copy_rows, load_code_lists
from emr.catalogs.models import DrugItem, ServiceItem
from emr.patients.bulk import load_patients
from emr.patients.models import Patient
from emr.patients.scan import Precision, Sex
from emr.patients.views import RegisterPatient
from emr.places.models import Bed, Department, Duty, Room
from hospital.demo.known import rows_of, staff_rows
from hospital.demo.past import write_past
from hospital.demo.today import open_today
from hospital.settings import Settings
from kernel.clock import VN, Instant, local_day, utc_now
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.staff.api import SYSTEM
from kernel.text import fold

ROSTER_BEFORE, ROSTER_AFTER = 30, 90


async def seed(sessions: Sessions, settings: Settings) -> None:  # noqa: ARG001  (every seeder takes both)
    """Fill an empty registry; running it again changes nothing."""
    now = utc_now()
    async with sessions.begin() as session:
        await load_code_lists(session)
        if await session.scalar(select(func.count()).select_from(Department)):
            return
        await seed_places(session)
        await seed_services(session)
        await copy_rows(session, Duty, _roster(local_day(now)))
        await seed_patients(session, now)
        await write_past(session, now=now)
    async with sessions.begin() as session:
        await open_today(session, now=now)


async def seed_places(session: AsyncSession) -> None:
    """Departments, rooms and their beds."""
    await copy_rows(session, Department, ({**row, "active": True} for row in rows_of("departments.csv")))
    rooms = rows_of("rooms.csv")
    await copy_rows(
        session,
        Room,
        (
            {
                "code": row["code"],
                "name": row["name"],
                "department_code": row["department"],
                "kind": row["kind"],
                "area": row["area"],
                "place": row["place"],
                "active": True,
            }
            for row in rooms
        ),
    )
    beds = [(row, number) for row in rooms for number in range(1, int(row["beds"]) + 1)]
    await copy_rows(
        session,
        Bed,
        (
            {
                "code": f"{row['code']}-{number}",
                "number": at,
                "room_code": row["code"],
                "department_code": row["department"],
                "active": True,
            }
            for at, (row, number) in enumerate(beds, start=1)
        ),
    )


async def seed_services(session: AsyncSession) -> None:
    """Services (their prices are billing's columns) and drugs."""
    await copy_rows(session, ServiceItem, (service_row(row) for row in rows_of("services.csv")))
    await copy_rows(
        session,
        DrugItem,
        (
            {**row, "key": fold(f"{row['name']} {row['inn']} {row['code']}"), "active": True}
            for row in rows_of("drugs.csv")
        ),
    )


def service_row(row: dict[str, str]) -> dict[str, Any]:
    """The catalog's part of a row of services.csv."""
    return {
        "code": row["code"],
        "name": row["name"],
        "key": fold(f"{row['name']} {row['code']}"),
        "kind": row["kind"],
        "claim_group": row["group"],
        "unit": row["unit"],
        "room_code": row["room"] or None,
        "in_scope": row["in_scope"] == "1",
        "result_unit": row["result_unit"],
        "low": row["low"] or None,
        "high": row["high"] or None,
        "valid_from": date.fromisoformat(row["valid_from"]),
        "valid_to": None,
    }


def _roster(today: date) -> Iterator[dict[str, Any]]:
    """Turn the weekly pattern into turns around today."""
    staff = {row["username"]: UUID(row["id"]) for row in staff_rows()}
    pattern = rows_of("duty-roster.csv")
    for offset in range(-ROSTER_BEFORE, ROSTER_AFTER + 1):
        day = today + timedelta(days=offset)
        for row in pattern:
            if int(row["weekday"]) == day.isoweekday():
                starts = datetime.combine(day, time.fromisoformat(row["from"]), VN)
                yield {
                    "id": new_id(),
                    "day": day,
                    "kind": row["kind"],
                    "department_code": row["department"],
                    "staff_id": staff[row["username"]],
                    "starts_at": starts,
                    "ends_at": starts + timedelta(hours=float(row["hours"])),
                }


async def seed_patients(session: AsyncSession, now: Instant) -> None:
    """The people of patients.csv, registered over the past year."""
    if await session.scalar(select(func.count()).select_from(Patient)):
        return
    ids = random.Random(1)  # noqa: S311  (the dice of the demo)
    commands = [
        RegisterPatient(
            id=UUID(int=ids.getrandbits(128), version=4),
            name=row["name"],
            birth_date=date.fromisoformat(row["birth_date"]),
            birth_precision=Precision(row["birth_precision"]),
            sex=Sex(row["sex"]),
            citizen_id=row["citizen_id"] or None,
            insurance_no=row["insurance_no"] or None,
            phone=row["phone"] or None,
            address=row["address"],
            province_code=row["province_code"],
            ward_code=row["ward_code"],
            ethnic_code=row["ethnic_code"],
            occupation=row["occupation"],
            allergies=row["allergies"],
        )
        for row in rows_of("patients.csv")
    ]
    await load_patients(session, commands, actor=SYSTEM, now=now - timedelta(days=366))
