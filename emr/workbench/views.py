"""What the workbench shows: plain facts for its templates."""

from datetime import date
from typing import Any
from uuid import UUID

from msgspec import Struct

from emr.api import VisitHeader
from emr.vitals.service import VitalsView
from kernel.money import Vnd


class QueueRow(Struct, frozen=True):
    """One person of the list left of the work: number, name, age; nothing else of an unopened chart."""

    visit_id: UUID
    number: int
    name: str
    note: str
    mark: str = ""
    called: bool = False
    done: int = 0
    total: int = 0


class QueuePanel(Struct, frozen=True):
    """A room's queue, grouped by what is to be done."""

    room: str
    room_name: str
    note: str
    serving: tuple[QueueRow, ...]
    back: tuple[QueueRow, ...]
    waiting: tuple[QueueRow, ...]
    unpaid: tuple[QueueRow, ...]
    missed: tuple[QueueRow, ...]
    ended: tuple[QueueRow, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.serving or self.back or self.waiting or self.unpaid or self.missed or self.ended)


class OrderRow(Struct, frozen=True):
    id: UUID
    name: str
    quantity: int
    room: str
    price: Vnd | None
    word: str
    result: str
    abnormal: str
    voided: bool
    can_void: bool


class Notice(Struct, frozen=True):
    tone: str
    title: str
    text: str


class DocumentRow(Struct, frozen=True):
    title: str
    state: str
    url: str
    sheet_url: str
    """Where the sheet itself is read, and amended when it is signed."""


class Side(Struct, frozen=True):
    """What helps beside the sheet: earlier visits, last results, drugs in use."""

    alerts: tuple[str, ...] = ()
    visits: tuple[tuple[str, str, str], ...] = ()
    results: tuple[tuple[str, str, str], ...] = ()
    results_day: date | None = None
    drugs: tuple[tuple[str, str], ...] = ()
    documents: tuple[tuple[str, str, str, str], ...] = ()
    vitals: tuple[VitalsView, ...] = ()


class DeskPage(Struct, frozen=True):
    """The visit as the doctor sees it."""

    header: VisitHeader
    born: str
    """The birth date with no more than what is known."""
    sex: str
    allergies: list[str]
    facts: list[tuple[str, str]]
    state: str
    phase: str
    """waiting, writing, signing or closed."""
    notice: Notice | None
    note: dict[str, Any]
    diagnoses: list[dict[str, str]]
    drugs: list[dict[str, Any]]
    appointment: dict[str, Any]
    revisions: dict[str, int]
    orders: list[OrderRow]
    has_results: bool
    unpaid_note: str
    saved_words: str
    ended_words: str
    documents: list[DocumentRow]

    @property
    def editable(self) -> bool:
        return self.phase == "writing"

    @property
    def waiting(self) -> bool:
        return self.phase == "waiting"


class Option(Struct, frozen=True):
    """One answer of a combobox."""

    value: str
    label: str
    note: str = ""
    code: str = ""
    data: dict[str, str] = {}
