"""What the desk sees of the exam rooms: who waits where, and which exams they offer."""

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.service import search_services
from emr.places.service import list_rooms
from emr.queues.models import Ticket
from emr.queues.rules import TicketState
from emr.queues.service import in_queue
from kernel.clock import Instant, local_day

EXAM_ROOMS = ("EXAM", "EMERGENCY")


class DeskRoom(Struct, frozen=True):
    code: str
    name: str
    place: str
    waiting: int
    """May be called."""
    unpaid: int
    """Wait for the till first."""
    last_number: int


async def desk(session: AsyncSession, *, now: Instant) -> list[DeskRoom]:
    """Return today's exam rooms with their queues."""
    rooms = await list_rooms(session, kinds=EXAM_ROOMS)
    waiting = Ticket.state == TicketState.WAITING.value
    counts = (
        select(
            Ticket.room_code,
            func.count().filter(waiting, Ticket.ready).label("waiting"),
            func.count().filter(waiting, ~Ticket.ready).label("unpaid"),
            func.max(Ticket.number).filter(Ticket.day == local_day(now)).label("last"),
        )
        .where(in_queue(now), Ticket.room_code.in_([room.code for room in rooms]))
        .group_by(Ticket.room_code)
    )
    by_room = {row.room_code: row for row in await session.execute(counts)}
    shown = []
    for room in rooms:
        row = by_room.get(room.code)
        numbers = (row.waiting, row.unpaid, row.last or 0) if row else (0, 0, 0)
        shown.append(DeskRoom(room.code, room.name, room.place, *numbers))
    return shown


async def exam_options(session: AsyncSession, *, now: Instant) -> list[tuple[str, str]]:
    """Return "room:service" with words: the exam, its room, and how many wait."""
    rooms = {room.code: room for room in await desk(session, now=now)}
    services = await search_services(session, "", 50, on=local_day(now), kinds=("EXAM",))
    return [
        (f"{room.code}:{service.code}", f"{service.name} · {room.name} · {room.waiting} chờ")
        for room in rooms.values()
        for service in services
        if service.room == room.code
    ]
