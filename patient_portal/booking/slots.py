"""Schedules cut into slots, and the free slots people choose from."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct
from sqlalchemy import (
    BindParameter,
    CompoundSelect,
    Integer,
    Select,
    bindparam,
    func,
    insert,
    select,
    union_all,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import on_duty
from kernel.clock import Instant, local_day
from kernel.ids import new_id
from kernel.problems import Conflict, NotFound, Refused
from kernel.statements import Statement
from patient_portal.booking.models import Booking, Schedule, Slot
from patient_portal.booking.rules import slot_times

Capacity = Annotated[int, Meta(ge=1, le=100, description="Seats in one slot.")]
Minutes = Annotated[int, Meta(ge=5, le=240)]


class OpenSchedule(Struct, frozen=True, forbid_unknown_fields=True):
    id: UUID  # Made by the client and kept across retries.
    department: str
    department_name: str
    room: str
    room_name: str
    practitioner_id: UUID
    practitioner_name: str
    service_code: str
    starts_at: Instant
    ends_at: Instant
    slot_minutes: Minutes = 30
    capacity: Capacity = 5


class SlotView(Struct, frozen=True):
    id: UUID
    department: str
    department_name: str
    room: str
    room_name: str
    practitioner_name: str
    day: date
    starts_at: Instant
    ends_at: Instant
    free: int


class DayView(Struct, frozen=True):
    day: date
    free: int


class BookableDepartment(Struct, frozen=True):
    code: str
    name: str
    first_free: Instant


class PractitionerBusy(Conflict):
    slug = "practitioner-busy"


class PractitionerOnDuty(Conflict):
    """The duty roster holds the practitioner elsewhere at that hour."""

    slug = "practitioner-on-duty"


class NoSlots(Refused):
    slug = "no-slots"


class NoSuchSchedule(NotFound):
    slug = "no-such-schedule"


class ScheduleIdReused(Conflict):
    slug = "schedule-id-reused"


async def open_schedule(session: AsyncSession, command: OpenSchedule, *, now: Instant) -> int:
    """Open a schedule and its slots; return how many slots it has. Sending it again changes nothing.

    Raises NoSlots if not even one slot fits in, PractitionerOnDuty if the roster holds the practitioner elsewhere,
    PractitionerBusy if the practitioner has another schedule then, ScheduleIdReused.
    """
    times = slot_times(command.starts_at, command.ends_at, minutes=command.slot_minutes)
    if not times:
        raise NoSlots("Buổi khám quá ngắn, không chia được khung giờ nào.", field="ends_at")
    if stored := await session.get(Schedule, command.id):
        if (stored.practitioner_id, stored.starts_at) != (command.practitioner_id, command.starts_at):
            raise ScheduleIdReused("Mã này đã dùng cho một buổi khám khác.")
        return len(times)
    duties = await on_duty(
        session, at=command.starts_at, kind="DOCTOR"
    )  # A leader on duty may still receive.
    if any(duty.staff_id == command.practitioner_id for duty in duties):
        raise PractitionerOnDuty(
            f"{command.practitioner_name} có lịch trực vào giờ này. Chọn giờ hoặc bác sĩ khác.",
            field="starts_at",
        )
    values = {name: getattr(command, name) for name in command.__struct_fields__ if name != "capacity"}
    try:
        async with session.begin_nested():
            await session.execute(insert(Schedule).values(**values, opened_at=now))
    except IntegrityError as error:
        if "ex_portal_schedule_practitioner" not in str(error.orig):
            raise
        raise PractitionerBusy(
            f"{command.practitioner_name} đã có buổi khám khác trong khoảng giờ này.", field="starts_at"
        ) from error
    rows = [
        {
            "id": new_id(),
            "schedule_id": command.id,
            "department": command.department,
            "day": local_day(start),
            "starts_at": start,
            "ends_at": end,
            "capacity": command.capacity,
        }
        for start, end in times
    ]
    await session.execute(insert(Slot), rows)
    return len(rows)


async def close_schedule(session: AsyncSession, schedule_id: UUID, *, now: Instant) -> list[UUID]:
    """Take no more bookings; return the bookings that still stand, whose patients must be told."""
    closed = await session.scalar(
        update(Schedule)
        .where(Schedule.id == schedule_id, Schedule.closed_at.is_(None))
        .values(closed_at=now)
        .returning(Schedule.id)
    )
    if closed is None:
        raise NoSuchSchedule("Không có buổi khám đang mở này.")
    await session.execute(update(Slot).where(Slot.schedule_id == schedule_id).values(closed=True))
    standing = select(Booking.id).join(Slot, Slot.id == Booking.slot_id)
    rows = await session.scalars(standing.where(Slot.schedule_id == schedule_id, Booking.state == "BOOKED"))
    return list(rows)


_SLOTS = select(
    *(getattr(Slot, name) for name in ("id", "department", "day", "starts_at", "ends_at")),
    *(getattr(Schedule, name) for name in ("department_name", "room", "room_name", "practitioner_name")),
    (Slot.capacity - Slot.taken).label("free"),
).join(Schedule, Schedule.id == Slot.schedule_id)


def _free(now: Instant | BindParameter[Instant]) -> Select[Any]:
    return _SLOTS.where(Slot.closed.is_(False), Slot.taken < Slot.capacity, Slot.starts_at > now)


def _nearest() -> CompoundSelect[Any]:
    """Two short index scans from a moment, forward and back, not a sort of all; built once, as refusals are hot."""
    wanted = bindparam("wanted", type_=Slot.starts_at.type)
    free = _free(bindparam("now", type_=Slot.starts_at.type)).where(
        Slot.department == bindparam("department", type_=Slot.department.type)
    )
    limit = bindparam("limit", type_=Integer())
    after = free.where(Slot.starts_at >= wanted).order_by(Slot.starts_at).limit(limit)
    before = free.where(Slot.starts_at < wanted).order_by(Slot.starts_at.desc()).limit(limit)
    return union_all(after, before)


_NEAREST = Statement(_nearest())


def _view(row: Mapping[Any, Any]) -> SlotView:
    return SlotView(**row)


async def nearest_free_slots(
    session: AsyncSession, department: str, wanted: Instant, *, now: Instant, limit: int = 5
) -> list[SlotView]:
    """Return the free slots of a department nearest to a moment, in order of time."""
    given = {"department": department, "wanted": wanted, "now": now, "limit": limit}
    rows = await _NEAREST.rows(session, **given)
    views = sorted((_view(row) for row in rows), key=lambda view: abs(view.starts_at - wanted))
    return sorted(views[:limit], key=lambda view: view.starts_at)


async def slots_of_day(session: AsyncSession, department: str, day: date, *, now: Instant) -> list[SlotView]:
    """Return the slots of a day that still have seats, in order."""
    query = _free(now).where(Slot.department == department, Slot.day == day)
    return [_view(row) for row in (await session.execute(query.order_by(Slot.starts_at, Slot.id))).mappings()]


async def find_slot(session: AsyncSession, slot_id: UUID) -> SlotView | None:
    row = (await session.execute(_SLOTS.where(Slot.id == slot_id))).mappings().first()
    return _view(row) if row else None


async def free_days(
    session: AsyncSession, department: str, *, now: Instant, days_ahead: int
) -> list[DayView]:
    """Return the days with free seats, and how many seats each has."""
    query = (
        select(Slot.day, func.sum(Slot.capacity - Slot.taken).label("free"))
        .where(
            Slot.department == department,
            Slot.closed.is_(False),
            Slot.taken < Slot.capacity,
            Slot.starts_at > now,
            Slot.starts_at < now + timedelta(days=days_ahead),
        )
        .group_by(Slot.day)
        .order_by(Slot.day)
    )
    return [DayView(day, int(free)) for day, free in await session.execute(query)]


async def bookable_departments(
    session: AsyncSession, *, now: Instant, days_ahead: int
) -> list[BookableDepartment]:
    """Return the departments that have a free seat, with the soonest one."""
    query = (
        select(Schedule.department, func.min(Schedule.department_name), func.min(Slot.starts_at))
        .join(Slot, Slot.schedule_id == Schedule.id)
        .where(
            Slot.closed.is_(False),
            Slot.taken < Slot.capacity,
            Slot.starts_at > now,
            Slot.starts_at < now + timedelta(days=days_ahead),
        )
        .group_by(Schedule.department)
        .order_by(Schedule.department)
    )
    return [BookableDepartment(*row) for row in await session.execute(query)]


class ScheduleView(Struct, frozen=True):
    """A schedule as the head of department sees it."""

    id: UUID
    department_name: str
    room_name: str
    practitioner_name: str
    starts_at: Instant
    ends_at: Instant
    seats: int
    taken: int


async def coming_schedules(session: AsyncSession, *, now: Instant, days: int = 14) -> list[ScheduleView]:
    """Return the open schedules of the days ahead with how full they are."""
    names = ("id", "department_name", "room_name", "practitioner_name", "starts_at", "ends_at")
    columns = [getattr(Schedule, name) for name in names]
    query = (
        select(*columns, func.sum(Slot.capacity).label("seats"), func.sum(Slot.taken).label("taken"))
        .join(Slot, Slot.schedule_id == Schedule.id)
        .where(Schedule.closed_at.is_(None), Schedule.ends_at > now)
        .where(Schedule.starts_at < now + timedelta(days=days))
        .group_by(*columns)
        .order_by(Schedule.starts_at, Schedule.room_name)
    )
    return [ScheduleView(**row) for row in (await session.execute(query)).mappings()]
