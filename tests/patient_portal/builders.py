"""Build what the portal's tests need: people, schedules, codes."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import PatientView, RegisterPatient, Sex, register_patient
from hospital.settings import Settings
from kernel.clock import start_of_day, utc_now
from kernel.ids import new_id
from kernel.staff.api import SYSTEM, NewAccount, Role, add_account
from patient_portal.booking.models import Slot
from patient_portal.booking.slots import OpenSchedule, open_schedule

PHONE = "+84901234567"
BORN = date(1988, 3, 14)


async def a_patient(
    session: AsyncSession,
    *,
    phone: str | None = PHONE,
    born: date = BORN,
    name: str = "Nguyễn Thị Thu Hà",
    citizen_id: str | None = None,
) -> PatientView:
    command = RegisterPatient(
        id=new_id(), name=name, birth_date=born, sex=Sex.FEMALE, phone=phone, citizen_id=citizen_id
    )
    return await register_patient(session, command, actor=SYSTEM, now=utc_now())


async def a_doctor(session: AsyncSession, settings: Settings, *, name: str = "Lê Minh Tuấn") -> UUID:
    doctor_id = new_id()
    command = NewAccount(
        id=doctor_id,
        username="d" + doctor_id.hex[-12:],
        name=name,
        title="BS",
        department="K01",
        roles=frozenset({Role.DOCTOR}),
        password="thu-nghiem-2026",
    )
    await add_account(session, command, settings=settings.kernel, now=utc_now())
    return doctor_id


def morning(days: int = 3) -> datetime:
    """Eight o'clock on the Vietnamese wall, so many days from now."""
    day = (utc_now() + timedelta(days=days)).date()
    return start_of_day(day) + timedelta(hours=8)


def a_schedule(
    doctor_id: UUID,
    *,
    starts_at: datetime | None = None,
    slots: int = 4,
    capacity: int = 2,
    department: str = "K01",
    schedule_id: UUID | None = None,
) -> OpenSchedule:
    start = starts_at or morning()
    return OpenSchedule(
        id=schedule_id or new_id(),
        department=department,
        department_name={"K01": "Khoa Khám bệnh", "K02": "Khoa Tâm thần"}[department],
        room="PK2",
        room_name="Phòng khám 2, tầng 1",
        practitioner_id=doctor_id,
        practitioner_name="BS Lê Minh Tuấn",
        service_code="KB01",
        starts_at=start,
        ends_at=start + slots * timedelta(minutes=30),
        slot_minutes=30,
        capacity=capacity,
    )


async def open_slots(session: AsyncSession, command: OpenSchedule) -> list[UUID]:
    """Open a schedule and return its slots in order."""
    await open_schedule(session, command, now=utc_now())
    rows = await session.scalars(
        select(Slot.id).where(Slot.schedule_id == command.id).order_by(Slot.starts_at)
    )
    return list(rows)


async def taken(session: AsyncSession, slot_id: UUID) -> int:
    return (
        await session.scalar(text("SELECT taken FROM portal_slot WHERE id = :id").bindparams(id=slot_id)) or 0
    )
