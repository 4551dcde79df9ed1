"""Give numbers, call people, show queues."""

from datetime import timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID

from msgspec import convert
from sqlalchemy import ColumnElement, Table, and_, bindparam, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.models import Visit
from emr.episodes.rules import RANK, QueuePriority
from emr.episodes.views import TicketView
from emr.patients.models import Patient
from emr.places.models import Room
from emr.places.service import get_room, list_rooms, no_such_room
from emr.queues.models import QueueDay, Ticket
from emr.queues.rules import CARRIED, STATE_WORDS, UNFINISHED, TicketState, may_move
from emr.queues.views import BoardLine, BoardRoom, BoardView, QueueLine, QueueView
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, local_day
from kernel.ids import new_id
from kernel.live import touch
from kernel.problems import Conflict, NotFound
from kernel.staff.api import Actor
from kernel.statements import Statement
from kernel.text import mask_name

_TICKETS = cast(Table, Ticket.__table__)
_ROOMS = cast(Table, Room.__table__)
_VISITS = cast(Table, Visit.__table__)
_PATIENTS = cast(Table, Patient.__table__)
_DAYS = cast(Table, QueueDay.__table__)
CALLED_ROOMS = ("EXAM", "EMERGENCY")
"""Rooms that call numbers."""
_PRIORITY = {rank: priority for priority, rank in RANK.items()}


class _Span(NamedTuple):
    """Which days and moments make the queue of a moment."""

    today: Any
    yesterday: Any
    oldest: Any
    since: Any


_NOT_SEEN = (TicketState.WAITING.value, TicketState.CALLED.value, TicketState.MISSED.value)


def _span(now: Instant) -> _Span:
    today = local_day(now)
    return _Span(today, today - timedelta(days=1), today - UNFINISHED, now - CARRIED)


def _within(span: _Span) -> ColumnElement[bool]:
    return or_(
        _TICKETS.c.day == span.today,
        and_(
            _TICKETS.c.day == span.yesterday,
            _TICKETS.c.issued_at > span.since,
            or_(*(_TICKETS.c.state == state for state in _NOT_SEEN)),
        ),
        and_(
            _TICKETS.c.day.between(span.oldest, span.yesterday), _TICKETS.c.state == TicketState.SERVING.value
        ),
    )


def in_queue(now: Instant) -> ColumnElement[bool]:
    """Tickets of the queue at this moment: today's, and what midnight found open (the night's emergencies)."""
    return _within(_span(now))


_QUEUE = Statement(
    select(
        _ROOMS.c.name.label("room_name"),
        _TICKETS.c.id.label("ticket_id"),
        _TICKETS.c.visit_id,
        _VISITS.c.patient_id,
        _TICKETS.c.number,
        _PATIENTS.c.name,
        _PATIENTS.c.birth_date,
        _PATIENTS.c.sex,
        _TICKETS.c.rank,
        _TICKETS.c.state,
        _TICKETS.c.ready,
        _VISITS.c.payer,
        _TICKETS.c.issued_at,
        _TICKETS.c.called_at,
        _VISITS.c.number.label("visit_number"),
    )
    .select_from(_ROOMS)
    .outerjoin(
        _TICKETS,
        (_TICKETS.c.room_code == _ROOMS.c.code)
        & _within(_Span(*map(bindparam, _Span._fields)))
        & (_TICKETS.c.state != TicketState.CANCELLED.value),
    )
    .outerjoin(_VISITS, _VISITS.c.id == _TICKETS.c.visit_id)
    .outerjoin(_PATIENTS, _PATIENTS.c.id == _VISITS.c.patient_id)
    .where(_ROOMS.c.code == bindparam("room"), _ROOMS.c.active)
    .order_by(_TICKETS.c.rank.desc(), _TICKETS.c.day, _TICKETS.c.number)
)
"""The room and its people in one trip: an empty room is one row without a ticket."""


class NoSuchTicket(NotFound):
    slug = "no-such-ticket"


class NobodyWaits(Conflict):
    slug = "nobody-waits"


class TicketMoved(Conflict):
    """The ticket is no longer in a state that allows this."""

    slug = "ticket-moved"


async def issue_ticket(
    session: AsyncSession, *, visit_id: UUID, room: str, priority: QueuePriority, ready: bool, now: Instant
) -> TicketView:
    """Give the next number of the room and day. Holds the room's counter until commit, so numbers have no gaps."""
    day = local_day(now)
    counted = insert(_DAYS).values(room_code=room, day=day, last_number=1)
    counted = counted.on_conflict_do_update(
        index_elements=["room_code", "day"], set_={"last_number": _DAYS.c.last_number + 1}
    )
    number = await session.scalar(counted.returning(_DAYS.c.last_number))
    values = {
        "id": new_id(),
        "visit_id": visit_id,
        "room_code": room,
        "day": day,
        "number": number,
        "rank": RANK[priority],
        "state": TicketState.WAITING.value,
        "ready": ready,
        "issued_at": now,
        "calls": 0,
    }
    await session.execute(insert(_TICKETS).values(values))
    await tell_queue(session, room)
    return _view(values | {"called_at": None})


def _view(ticket: dict[str, Any]) -> TicketView:
    return convert(
        {
            "id": ticket["id"],
            "visit_id": ticket["visit_id"],
            "room": ticket["room_code"],
            "day": ticket["day"],
            "number": ticket["number"],
            "priority": _PRIORITY[ticket["rank"]].value,
            "state": ticket["state"],
            "ready": ticket["ready"],
            "issued_at": ticket["issued_at"],
            "called_at": ticket["called_at"],
        },
        TicketView,
    )


async def ticket_of_visit(session: AsyncSession, visit_id: UUID) -> TicketView | None:
    """Return the visit's latest ticket."""
    statement = select(_TICKETS).where(_TICKETS.c.visit_id == visit_id).order_by(_TICKETS.c.issued_at.desc())
    row = (await session.execute(statement.limit(1))).first()
    return _view(row._asdict()) if row else None


async def make_ready(session: AsyncSession, visit_ids: list[UUID]) -> None:
    """The exam fee of these visits needs no more waiting for: they may be called."""
    changed = await session.scalars(
        update(_TICKETS)
        .where(_TICKETS.c.visit_id.in_(visit_ids), ~_TICKETS.c.ready)
        .values(ready=True)
        .returning(_TICKETS.c.room_code)
    )
    for room in sorted(set(changed)):
        await tell_queue(session, room)


async def call_next(session: AsyncSession, room: str, *, actor: Actor, now: Instant) -> TicketView:
    """Call the next person: emergencies, then priority, then by number. Raises NoSuchRoom, NobodyWaits.

    Two doctors of one room who press at once get two people.
    """
    await get_room(session, room)
    waiting = (
        select(_TICKETS.c.id)
        .where(
            _TICKETS.c.room_code == room,
            in_queue(now),
            _TICKETS.c.state == TicketState.WAITING.value,
            _TICKETS.c.ready,
        )
        .order_by(_TICKETS.c.rank.desc(), _TICKETS.c.day, _TICKETS.c.number)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    ticket_id = await session.scalar(waiting)
    if ticket_id is None:
        raise NobodyWaits("Không còn ai đủ điều kiện gọi: hàng đợi trống hoặc người chờ chưa đóng tiền khám.")
    return await _call(session, ticket_id, actor=actor, now=now)


async def call_again(session: AsyncSession, ticket_id: UUID, *, actor: Actor, now: Instant) -> TicketView:
    """Call the same number once more, or a person who was missed. Raises NoSuchTicket, TicketMoved."""
    row = await _locked(session, ticket_id)
    if row["state"] not in (TicketState.CALLED, TicketState.MISSED):
        raise TicketMoved(f"Số này đang ở trạng thái “{STATE_WORDS[TicketState(row['state'])]}”.")
    return await _call(session, ticket_id, actor=actor, now=now)


async def _call(session: AsyncSession, ticket_id: UUID, *, actor: Actor, now: Instant) -> TicketView:
    called = (
        update(_TICKETS)
        .where(_TICKETS.c.id == ticket_id)
        .values(state=TicketState.CALLED.value, called_at=now, called_by=actor.id, calls=_TICKETS.c.calls + 1)
        .returning(*_TICKETS.c)
    )
    row = (await session.execute(called)).one()._asdict()
    patient_id = await session.scalar(select(Visit.patient_id).where(Visit.id == row["visit_id"]))
    await record(session, Entry(Action.CHANGE, f"emr.ticket:{ticket_id}", patient_id), actor)
    await tell_queue(session, row["room_code"])
    return _view(row)


async def _locked(session: AsyncSession, ticket_id: UUID) -> dict[str, Any]:
    statement = select(_TICKETS).where(_TICKETS.c.id == ticket_id).with_for_update()
    row = (await session.execute(statement)).first()
    if row is None:
        raise NoSuchTicket("Không có số thứ tự này.")
    return row._asdict()


async def move_ticket(session: AsyncSession, ticket_id: UUID, new: TicketState) -> TicketView:
    """Move a ticket. Raises NoSuchTicket, TicketMoved if the move is not allowed."""
    row = await _locked(session, ticket_id)
    old = TicketState(row["state"])
    if not may_move(old, new):
        raise TicketMoved(f"Số này đang ở trạng thái “{STATE_WORDS[old]}”, không chuyển được.")
    await session.execute(update(_TICKETS).where(_TICKETS.c.id == ticket_id).values(state=new.value))
    await tell_queue(session, row["room_code"])
    return _view(row | {"state": new.value})


async def move_ticket_of_visit(session: AsyncSession, visit_id: UUID, new: TicketState) -> None:
    """Follow a visit: its ticket moves too, if it can."""
    ticket = await ticket_of_visit(session, visit_id)
    if ticket is not None and may_move(TicketState(ticket.state), new):
        await move_ticket(session, ticket.id, new)


async def tell_queue(session: AsyncSession, room: str) -> None:
    """Wake the screens that show this room, after commit."""
    area = await session.scalar(select(Room.area).where(Room.code == room))
    touch(session, f"queue:{room}", {"room": room})
    touch(session, f"board:{area}", {"room": room})


async def queue_of(session: AsyncSession, room: str, *, now: Instant) -> QueueView:
    """Return the people of a room's queue, who comes next first. Raises NoSuchRoom."""
    rows = await _QUEUE.rows(session, room=room, **_span(now)._asdict())
    if not rows:
        raise no_such_room()
    lines = [row | {"priority": _PRIORITY[row["rank"]].value} for row in rows if row["ticket_id"]]
    name = rows[0]["room_name"]
    shown = convert(lines, list[QueueLine], strict=False)
    return QueueView(room=room, room_name=name, day=local_day(now), lines=shown)


async def board_of(session: AsyncSession, area: str, *, now: Instant) -> BoardView:
    """Return what the board of an area shows: who is called where, names masked."""
    rooms = await list_rooms(session, area=area, kinds=CALLED_ROOMS)
    codes = [room.code for room in rooms]
    called = (
        select(Ticket.room_code, Ticket.number, Patient.name, Ticket.called_at, Ticket.calls)
        .join(Visit, Visit.id == Ticket.visit_id)
        .join(Patient, Patient.id == Visit.patient_id)
        .where(Ticket.room_code.in_(codes), in_queue(now), Ticket.called_at.is_not(None))
        .where(Ticket.state.in_([TicketState.CALLED.value, TicketState.SERVING.value]))
        .order_by(Ticket.called_at.desc())
    )
    names = {room.code: room.name for room in rooms}
    lines = [
        BoardLine(
            row.room_code, names[row.room_code], row.number, mask_name(row.name), row.called_at, row.calls
        )
        for row in await session.execute(called)
    ]
    waiting = await _waiting_numbers(session, codes, now=now)
    shown = [
        BoardRoom(
            room=room.code,
            room_name=room.name,
            now=next((line for line in lines if line.room == room.code), None),
            waiting=len(waiting.get(room.code, [])),
            next_numbers=waiting.get(room.code, [])[:5],
        )
        for room in rooms
    ]
    return BoardView(area=area, newest=lines[0] if lines else None, rooms=shown)


async def _waiting_numbers(session: AsyncSession, rooms: list[str], *, now: Instant) -> dict[str, list[int]]:
    numbers = (
        select(Ticket.room_code, Ticket.number)
        .where(Ticket.room_code.in_(rooms), in_queue(now))
        .where(Ticket.state == TicketState.WAITING.value, Ticket.ready)
        .order_by(Ticket.rank.desc(), Ticket.day, Ticket.number)
    )
    waiting: dict[str, list[int]] = {}
    for room, number in await session.execute(numbers):
        waiting.setdefault(room, []).append(number)
    return waiting
