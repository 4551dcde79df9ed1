"""The page of clinic hours: open and close schedules, and whom to tell when one is closed."""

from datetime import datetime, time
from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Template
from msgspec import ValidationError, convert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import get_patient, list_departments, list_rooms, search_services
from kernel.audit.api import Action, Entry, record_all
from kernel.clock import VN, local_day, parse_day_typed, utc_now
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.problems import Problem
from kernel.staff.api import Actor, Role, list_staff, needs
from patient_portal.booking.service import find_booking
from patient_portal.booking.slots import OpenSchedule, close_schedule, coming_schedules, open_schedule
from patient_portal.words import weekday_day

Form = URLEncodedBody[dict[str, str]]
_UNREADABLE = ("day", "Ghi đủ ngày, giờ bắt đầu, giờ kết thúc, số phút một lượt và số chỗ.")


class SchedulePages(Controller):
    path = "/schedules"
    include_in_schema = False
    guards = (needs(Role.HEAD, Role.ADMIN),)

    @get()
    async def listing(self, session: NamedDependency[AsyncSession]) -> Template:
        """Show the clinic hours of the next two weeks."""
        return await _page(session)

    @post(status_code=200)
    async def open(self, data: Form, sessions: NamedDependency[Sessions]) -> Response[Any]:
        """Open hours for booking."""
        errors: list[tuple[str, str]] = []
        status = 200
        try:
            async with sessions.begin() as session:
                await open_schedule(session, await _command(session, data), now=utc_now())
        except (ValueError, ValidationError, KeyError):
            errors, status = [_UNREADABLE], 422
        except Problem as problem:
            errors, status = [(problem.field or "day", problem.detail)], problem.status
        async with sessions() as session:
            return await _page(session, errors=errors, values=data if errors else {}, status=status)

    @post("/{schedule_id:uuid}/closing", status_code=200)
    async def close(
        self,
        schedule_id: FromPath[UUID],
        actor: NamedDependency[Actor],
        session: NamedDependency[AsyncSession],
    ) -> Template:
        """Take no more bookings and name the people who must be told."""
        standing = [
            await find_booking(session, booking_id)
            for booking_id in await close_schedule(session, schedule_id, now=utc_now())
        ]
        tell = [(view, await get_patient(session, view.patient_id)) for view in standing if view]
        looked = [
            Entry(Action.VIEW, f"portal.booking:{view.id}", patient_id=view.patient_id) for view, _ in tell
        ]
        await record_all(session, looked, actor)
        return await _page(session, tell=tell)


async def _command(session: AsyncSession, data: dict[str, str]) -> OpenSchedule:
    """Raises ValueError or KeyError on what can't be read or is not on file."""
    day = parse_day_typed(data["day"])
    room = {room.code: room for room in await list_rooms(session, kinds=("EXAM",))}[data["room"]]
    doctor = {str(person.id): person for person in await list_staff(session)}[data["practitioner"]]
    departments = {department.code: department.name for department in await list_departments(session)}
    return convert(
        {
            "id": data["id"],
            "department": doctor.department,
            "department_name": departments[doctor.department],
            "room": room.code,
            "room_name": f"{room.name}, {room.place[:1].lower()}{room.place[1:]}",
            "practitioner_id": doctor.id,
            "practitioner_name": f"{doctor.title} {doctor.name}".strip(),
            "service_code": data["service"],
            "starts_at": datetime.combine(day, time.fromisoformat(data["from"]), VN),
            "ends_at": datetime.combine(day, time.fromisoformat(data["to"]), VN),
            "slot_minutes": data["minutes"],
            "capacity": data["capacity"],
        },
        OpenSchedule,
        strict=False,
    )


async def _page(
    session: AsyncSession,
    *,
    errors: list[tuple[str, str]] | None = None,
    values: dict[str, str] | None = None,
    tell: list[Any] | None = None,
    status: int = 200,
) -> Template:
    now = utc_now()
    services = await search_services(session, "", 50, on=local_day(now), kinds=("EXAM",))
    doctors = [person for person in await list_staff(session) if Role.DOCTOR in person.roles]
    context = {
        "id": new_id(),
        "schedules": await coming_schedules(session, now=now),
        "doctors": [(person.id, f"{person.title} {person.name}".strip()) for person in doctors],
        "rooms": [(room.code, room.name) for room in await list_rooms(session, kinds=("EXAM",))],
        "services": [(service.code, service.name) for service in services],
        "errors": errors or [],
        "values": values or {},
        "tell": tell or [],
        "say": weekday_day,
    }
    return Template("patient_portal/booking/schedules.html", context=context, status_code=status)
