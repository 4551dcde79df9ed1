"""Read departments, rooms and the roster."""

from typing import cast
from uuid import UUID

from msgspec import convert
from sqlalchemy import Table, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.places.models import Department, Duty, Room
from emr.places.views import DepartmentView, DutyView, RoomView
from kernel.clock import Instant
from kernel.problems import NotFound
from kernel.statements import Statement

_ROOMS = cast(Table, Room.__table__)
_ROOM_COLUMNS = [_ROOMS.c[name] for name in RoomView.__struct_fields__]
_ALL_ROOMS = Statement(select(*_ROOM_COLUMNS).where(_ROOMS.c.active).order_by(_ROOMS.c.code))
_ONE_ROOM = Statement(select(*_ROOM_COLUMNS).where(_ROOMS.c.code == bindparam("code"), _ROOMS.c.active))


class NoSuchRoom(NotFound):
    slug = "no-such-room"


class NoSuchDepartment(NotFound):
    slug = "no-such-department"


async def list_departments(session: AsyncSession, *, kind: str | None = None) -> list[DepartmentView]:
    columns = [getattr(Department, name) for name in DepartmentView.__struct_fields__]
    statement = select(*columns).where(Department.active).order_by(Department.code)
    if kind:
        statement = statement.where(Department.kind == kind)
    return [convert(row._asdict(), DepartmentView) for row in await session.execute(statement)]


async def get_department(session: AsyncSession, code: str) -> DepartmentView:
    """Raises NoSuchDepartment."""
    columns = [getattr(Department, name) for name in DepartmentView.__struct_fields__]
    statement = select(*columns).where(Department.code == code, Department.active)
    row = (await session.execute(statement)).first()
    if row is None:
        raise NoSuchDepartment("Không có khoa này.", field="department")
    return convert(row._asdict(), DepartmentView)


async def list_rooms(
    session: AsyncSession, *, kinds: tuple[str, ...] = (), area: str | None = None
) -> list[RoomView]:
    """Return active rooms, by kind or by the lobby board that shows them. A house has dozens, not thousands."""
    rooms = convert(await _ALL_ROOMS.rows(session), list[RoomView])
    return [room for room in rooms if (not kinds or room.kind in kinds) and (not area or room.area == area)]


async def get_room(session: AsyncSession, code: str) -> RoomView:
    """Raises NoSuchRoom."""
    row = await _ONE_ROOM.first(session, code=code)
    if row is None:
        raise no_such_room()
    return convert(row, RoomView)


def no_such_room() -> NoSuchRoom:
    return NoSuchRoom("Không có phòng này.", field="room")


async def on_duty(session: AsyncSession, *, at: Instant, kind: str | None = None) -> list[DutyView]:
    """Return who is on duty at a moment, by the roster."""
    columns = [getattr(Duty, name) for name in DutyView.__struct_fields__]
    statement = select(*columns).where(Duty.starts_at <= at, Duty.ends_at > at)
    if kind:
        statement = statement.where(Duty.kind == kind)
    rows = await session.execute(statement.order_by(Duty.department_code, Duty.kind))
    return [convert(row._asdict(), DutyView) for row in rows]


async def is_leader_on_duty(session: AsyncSession, staff_id: UUID, *, at: Instant) -> bool:
    """Tell whether the person is trực lãnh đạo at the moment."""
    return any(duty.staff_id == staff_id for duty in await on_duty(session, at=at, kind="LEADER"))
