"""Clinic hours people may book, for the weeks ahead, and a person whose phone the README names.

A doctor whom the duty roster holds at the start of a session does not receive booked patients then.
"""

from datetime import date, datetime, time, timedelta
from uuid import UUID, uuid5

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import find_patients, on_duty
from hospital.demo.known import DEMO_PHONE, KIOSK_CODE, rows_of, staff_rows
from hospital.settings import Settings
from kernel.clock import VN, Instant, local_day, utc_now
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.staff.api import Actor
from kiosk.devices.models import Device
from kiosk.devices.rules import Scope, clean_pairing_code, secret_hash
from patient_portal.api import Book, OpenSchedule, book, nearest_free_slots, open_schedule
from patient_portal.booking.models import Schedule

WEEKS_AHEAD = 5
NAMES = UUID("01900000-0000-7000-8000-0000000000aa")


def sessions_of(day: date) -> list[OpenSchedule]:
    """Return the clinic sessions of a day by the weekly pattern, each with an id that stays the same."""
    staff = {row["username"]: row for row in staff_rows()}
    rooms = {row["code"]: row for row in rows_of("rooms.csv")}
    departments = {row["code"]: row["name"] for row in rows_of("departments.csv")}
    found = []
    for row in rows_of("clinic-hours.csv"):
        if str(day.isoweekday()) not in row["weekdays"]:
            continue
        doctor, room = staff[row["username"]], rooms[row["room"]]
        found.append(
            OpenSchedule(
                id=uuid5(NAMES, f"{day} {row['username']} {row['from']}"),
                department=row["department"],
                department_name=departments[row["department"]],
                room=row["room"],
                room_name=f"{room['name']}, {room['place'][0].lower()}{room['place'][1:]}",
                practitioner_id=UUID(doctor["id"]),
                practitioner_name=f"{doctor['title']} {doctor['name']}",
                service_code=row["service"],
                starts_at=datetime.combine(day, time.fromisoformat(row["from"]), VN),
                ends_at=datetime.combine(day, time.fromisoformat(row["to"]), VN),
                slot_minutes=int(row["minutes"]),
                capacity=int(row["capacity"]),
            )
        )
    return found


async def seed(sessions: Sessions, settings: Settings) -> None:  # noqa: ARG001  (every seeder takes both)
    """Open the sessions of the weeks ahead once, and book one for the person of the README."""
    now = utc_now()
    async with sessions.begin() as session:
        if await session.scalar(select(func.count()).select_from(Schedule)):
            return
        for offset in range(7 * WEEKS_AHEAD):
            for schedule in sessions_of(local_day(now) + timedelta(days=offset)):
                busy = await on_duty(session, at=schedule.starts_at, kind="DOCTOR")
                if all(duty.staff_id != schedule.practitioner_id for duty in busy):
                    await open_schedule(session, schedule, now=now)
        await _book_one(session, now=now)
        await _add_machine(session, now=now)


async def _book_one(session: AsyncSession, *, now: Instant) -> None:
    """Book a morning a few days ahead for the person to try the portal as."""
    wanted = datetime.combine(local_day(now) + timedelta(days=3), time(8, 30), VN)
    people = await find_patients(session, DEMO_PHONE, limit=1)
    slots = await nearest_free_slots(session, "K02", wanted, now=now, limit=1)
    if people and slots:
        actor = Actor(id=people[0].id, name="Người bệnh", title="", roles=frozenset(), department="")
        command = Book(id=new_id(), slot_id=slots[0].id, reason="Tái khám theo hẹn")
        await book(session, command, patient_id=people[0].id, actor=actor, now=now)


async def _add_machine(session: AsyncSession, *, now: Instant) -> None:
    administrator = next(row for row in staff_rows() if row["username"] == "quantri")
    await session.execute(
        insert(Device).values(
            id=new_id(),
            name="Sảnh A, máy 1",
            scope=Scope.CHECK_IN.value,
            pairing_hash=secret_hash(clean_pairing_code(KIOSK_CODE), "pairing"),
            pairing_expires_at=now + timedelta(days=3650),
            added_by=UUID(administrator["id"]),
            added_at=now,
        )
    )
