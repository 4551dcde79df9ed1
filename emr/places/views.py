"""Views of places and the roster."""

from datetime import date
from uuid import UUID

from msgspec import Struct

from kernel.clock import Instant


class DepartmentView(Struct, frozen=True):
    code: str
    name: str
    kind: str


class RoomView(Struct, frozen=True):
    code: str
    name: str
    department_code: str
    kind: str
    area: str
    place: str


class BedView(Struct, frozen=True):
    """A bed and who lies in it now."""

    code: str
    room_code: str
    department_code: str
    stay_id: UUID | None = None
    patient_name: str | None = None


class DutyView(Struct, frozen=True):
    """One turn of the roster."""

    day: date
    kind: str
    department_code: str
    staff_id: UUID
    starts_at: Instant
    ends_at: Instant
