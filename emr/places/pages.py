"""The duty roster of a week: who leads, who is on call, from when to when."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from msgspec import ValidationError, convert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.places.roster import KINDS, AddDuty, add_duty, remove_duty, roster
from emr.places.service import list_departments
from kernel.clock import VN, Instant, local_day, parse_day_typed, utc_now
from kernel.ids import new_id
from kernel.problems import Problem
from kernel.staff.api import Actor, Role, list_staff, needs

FormBody = URLEncodedBody[dict[str, str]]
Session = NamedDependency[AsyncSession]
Who = NamedDependency[Actor]
PLANNERS = (Role.DIRECTOR, Role.HEAD, Role.ADMIN)


class RosterPages(Controller):
    path = "/duty"
    include_in_schema = False

    @get(guards=[needs(Role.DOCTOR, Role.NURSE, Role.LAB, *PLANNERS)])
    async def week(self, session: Session, actor: Who, day: FromQuery[str] = "") -> Template:
        return await _page(session, actor, day)

    @post(guards=[needs(*PLANNERS)])
    async def add(self, data: FormBody, session: Session, actor: Who) -> Template | Redirect:
        """Add one turn."""
        day = data.get("day", "")
        try:
            command = _command(data)
        except (ValueError, ValidationError):
            errors = {"staff_id": "Hãy điền đủ người, ngày và hai giờ (ví dụ 07:00)."}
            return await _page(session, actor, day, errors, data)
        try:
            async with session.begin_nested():
                await add_duty(session, command, actor=actor)
        except Problem as refused:
            return await _page(session, actor, day, {refused.field or "": refused.detail}, data)
        return Redirect(f"/duty?day={local_day(command.starts_at).isoformat()}", status_code=303)

    @post("/{duty_id:uuid}/removal", guards=[needs(*PLANNERS)])
    async def remove(
        self, duty_id: FromPath[UUID], data: FormBody, session: Session, actor: Who
    ) -> Template | Redirect:
        try:
            async with session.begin_nested():
                await remove_duty(session, duty_id, actor=actor, now=utc_now())
        except Problem as refused:
            return await _page(session, actor, data.get("day", ""), {"": refused.detail})
        return Redirect(f"/duty?day={data.get('day', '')}", status_code=303)


def _command(data: dict[str, str]) -> AddDuty:
    """Read the form; an end that is not after the begin is on the next day. Raises ValueError, ValidationError."""
    starts = _moment(data.get("day", ""), data.get("starts", ""))
    ends = _moment(data.get("day", ""), data.get("ends", ""))
    if ends <= starts:
        ends += timedelta(days=1)
    names = ("kind", "department", "staff_id")
    values = {name: data.get(name, "") for name in names}
    return convert(
        {"id": data.get("id") or new_id(), "starts_at": starts, "ends_at": ends, **values},
        AddDuty,
        strict=False,
    )


def _moment(day: str, clock: str) -> Instant:
    on = parse_day_typed(day)
    at = datetime.strptime(clock.strip(), "%H:%M").time()  # noqa: DTZ007  (a local clock, zone given below)
    return datetime.combine(on, at, VN)


async def _page(
    session: AsyncSession,
    actor: Actor,
    day: str,
    errors: dict[str, str] | None = None,
    typed: dict[str, str] | None = None,
) -> Template:
    now = utc_now()
    try:
        asked = parse_day_typed(day)
    except ValueError:
        asked = local_day(now)
    first = asked - timedelta(days=asked.weekday())
    names = {one.id: f"{one.title} {one.name}".strip() for one in await list_staff(session)}
    lines = await roster(session, first, first + timedelta(days=6))
    days: list[tuple[Any, list[Any]]] = [
        (date, [line for line in lines if line.day == date])
        for date in (first + timedelta(days=n) for n in range(7))
    ]
    context = {
        "first": first,
        "before": first - timedelta(days=7),
        "after": first + timedelta(days=7),
        "days": days,
        "names": names,
        "kinds": KINDS,
        "staff": [(str(key), name) for key, name in names.items()],
        "departments": [(one.code, f"{one.code} {one.name}") for one in await list_departments(session)],
        "planner": actor.has(*PLANNERS),
        "now": now,
        "errors": errors or {},
        "form": typed or {"id": str(new_id()), "kind": "LEADER", "day": asked.strftime("%d/%m/%Y")},
    }
    return Template("emr/places/roster.html", context=context, status_code=422 if errors else 200)
