"""The duty roster (lịch trực): add a turn, take out one that has not begun."""

from datetime import date, timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.places.models import Duty
from emr.places.service import get_department
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, local_day
from kernel.problems import Conflict, NotFound, Refused
from kernel.staff.api import Actor, Role, get_staff

KINDS = {
    "LEADER": "Trực lãnh đạo",
    "DOCTOR": "Bác sĩ trực",
    "NURSE": "Điều dưỡng trực",
    "TECHNICIAN": "Kỹ thuật viên trực",
}
LONGEST = timedelta(hours=48)
_MAY = {
    "LEADER": {Role.DIRECTOR, Role.HEAD, Role.DOCTOR},
    "DOCTOR": {Role.DOCTOR},
    "NURSE": {Role.NURSE},
    "TECHNICIAN": {Role.LAB},
}


class AddDuty(Struct, frozen=True, forbid_unknown_fields=True):
    """One person's turn. `id` is the client's and makes a repeat harmless."""

    id: UUID
    kind: str
    department: str
    staff_id: UUID
    starts_at: Instant
    ends_at: Instant


class DutyLine(Struct, frozen=True):
    id: UUID
    day: date
    kind: str
    department: str
    staff_id: UUID
    starts_at: Instant
    ends_at: Instant


class DutyRefused(Refused):
    slug = "duty-refused"


class DutyTaken(Conflict):
    """Another leader, or the same person, is on duty then."""

    slug = "duty-taken"


class DutyBegun(Conflict):
    """A turn that has begun stays: signatures rest on it."""

    slug = "duty-begun"


class NoSuchDuty(NotFound):
    slug = "no-such-duty"


async def roster(session: AsyncSession, first: date, last: date) -> list[DutyLine]:
    """Return the turns that begin on these days, in order."""
    rows = await session.scalars(
        select(Duty)
        .where(Duty.day >= first, Duty.day <= last)
        .order_by(Duty.starts_at, Duty.kind, Duty.department_code)
    )
    return [_line(row) for row in rows]


async def add_duty(session: AsyncSession, command: AddDuty, *, actor: Actor) -> DutyLine:
    """Write one turn; the same command again returns the first result.

    Raises DutyRefused, DutyTaken, NoSuchDepartment, NoSuchAccount.
    """
    known = await session.get(Duty, command.id)
    if known is not None:
        return _line(known)
    if command.kind not in KINDS:
        raise DutyRefused("Chọn loại trực.", field="kind")
    if not timedelta(0) < command.ends_at - command.starts_at <= LONGEST:
        raise DutyRefused("Giờ hết trực phải sau giờ bắt đầu, tối đa 48 giờ.", field="ends")
    await get_department(session, command.department)
    person = await get_staff(session, command.staff_id)
    if not person.roles & _MAY[command.kind]:
        raise DutyRefused(
            f"{person.name} không có chức danh để {KINDS[command.kind].lower()}.", field="staff_id"
        )
    await _require_free(session, command)
    row = Duty(
        id=command.id,
        day=local_day(command.starts_at),
        kind=command.kind,
        department_code=command.department,
        staff_id=command.staff_id,
        starts_at=command.starts_at,
        ends_at=command.ends_at,
    )
    session.add(row)
    await session.flush()
    detail = {"kind": row.kind, "staff": str(row.staff_id), "from": row.starts_at.isoformat()}
    await record(session, Entry(Action.CREATE, f"emr.duty:{row.id}", detail=detail), actor)
    return _line(row)


async def _require_free(session: AsyncSession, command: AddDuty) -> None:
    """One leader at a time; one person is in one place at a time."""
    meanwhile = await session.scalars(
        select(Duty).where(Duty.starts_at < command.ends_at, Duty.ends_at > command.starts_at)
    )
    for other in meanwhile:
        if other.staff_id == command.staff_id and other.kind == command.kind:
            raise DutyTaken("Người này đã có lịch trực trong khoảng giờ đó.", field="staff_id")
        if command.kind == "LEADER" and other.kind == "LEADER":
            raise DutyTaken("Khoảng giờ này đã có người trực lãnh đạo.", field="starts")


async def remove_duty(session: AsyncSession, duty_id: UUID, *, actor: Actor, now: Instant) -> None:
    """Take out a turn that has not begun. Raises NoSuchDuty, DutyBegun."""
    row = await session.get(Duty, duty_id, with_for_update=True)
    if row is None:
        raise NoSuchDuty("Không có ca trực này.")
    if row.starts_at <= now:
        raise DutyBegun("Ca trực đã bắt đầu nên không xoá được; chữ ký trong ca dựa vào lịch này.")
    detail = {"kind": row.kind, "staff": str(row.staff_id), "from": row.starts_at.isoformat()}
    await session.execute(delete(Duty).where(Duty.id == duty_id))
    await record(session, Entry(Action.VOID, f"emr.duty:{duty_id}", detail=detail), actor)


def _line(row: Duty) -> DutyLine:
    return DutyLine(row.id, row.day, row.kind, row.department_code, row.staff_id, row.starts_at, row.ends_at)
