"""Views of queues."""

from datetime import date
from uuid import UUID

from msgspec import Struct

from emr.episodes.rules import QueuePriority
from kernel.clock import Instant


class QueueLine(Struct, frozen=True):
    """One person of a room's queue, for staff."""

    ticket_id: UUID
    visit_id: UUID
    patient_id: UUID
    number: int
    name: str
    birth_date: date
    sex: str
    priority: QueuePriority
    state: str
    ready: bool
    payer: str
    issued_at: Instant
    called_at: Instant | None
    visit_number: str


class QueueView(Struct, frozen=True):
    room: str
    room_name: str
    day: date
    lines: list[QueueLine]


class BoardLine(Struct, frozen=True):
    """One call on the board of the lobby: never the whole name."""

    room: str
    room_name: str
    number: int
    masked_name: str
    called_at: Instant
    calls: int


class BoardRoom(Struct, frozen=True):
    room: str
    room_name: str
    now: BoardLine | None
    waiting: int
    next_numbers: list[int]


class BoardView(Struct, frozen=True):
    area: str
    newest: BoardLine | None
    rooms: list[BoardRoom]
