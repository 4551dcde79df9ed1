"""Take, read and void measurements."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, convert
from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.models import Visit
from emr.episodes.rules import VisitState
from emr.episodes.service import NoSuchVisit
from emr.once import IdReused
from emr.patients.models import Patient
from emr.places.models import Room
from emr.queues.models import Ticket
from emr.vitals.models import Measurement
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, local_day
from kernel.live import touch
from kernel.problems import Conflict, NotFound, Refused
from kernel.staff.api import Actor

EARLY = timedelta(hours=24)
_PAGE = 200


class TakeVitals(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One taking: what was measured, in the units of the form; `id` is kept across retries."""

    id: UUID
    visit_id: UUID
    pulse: Annotated[int, Meta(ge=20, le=250)] | None = None
    """Mạch, beats a minute."""
    temperature: Annotated[float, Meta(ge=30, le=44)] | None = None
    """°C."""
    systolic: Annotated[int, Meta(ge=40, le=300)] | None = None
    diastolic: Annotated[int, Meta(ge=20, le=200)] | None = None
    """mmHg."""
    respiration: Annotated[int, Meta(ge=5, le=100)] | None = None
    """Nhịp thở, breaths a minute."""
    spo2: Annotated[int, Meta(ge=30, le=100)] | None = None
    """%."""
    weight: Annotated[float, Meta(ge=0.3, le=400)] | None = None
    """kg."""
    height: Annotated[float, Meta(ge=20, le=250)] | None = None
    """cm."""
    note: Annotated[str, Meta(max_length=300)] = ""
    taken_at: Instant | None = None
    """None: now. Two clocks: what was measured earlier says so."""


class VoidVitals(Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(min_length=3, max_length=300)]


class VitalsView(Struct, frozen=True):
    id: UUID
    visit_id: UUID
    pulse: int | None
    temperature: float | None
    systolic: int | None
    diastolic: int | None
    respiration: int | None
    spo2: int | None
    weight: float | None
    height: float | None
    note: str
    taken_at: Instant
    recorded_at: Instant
    staff_name: str

    @property
    def words(self) -> list[tuple[str, str]]:
        """Name and value with its unit, as pages show them."""
        pressure = f"{self.systolic}/{self.diastolic} mmHg" if self.systolic else ""
        shown = [
            ("Mạch", _with_unit(self.pulse, "l/ph")),
            ("Nhiệt độ", _with_unit(self.temperature, "°C")),
            ("Huyết áp", pressure),
            ("Nhịp thở", _with_unit(self.respiration, "l/ph")),
            ("SpO₂", _with_unit(self.spo2, "%")),
            ("Cân nặng", _with_unit(self.weight, "kg")),
            ("Chiều cao", _with_unit(self.height, "cm")),
        ]
        return [(name, value) for name, value in shown if value]


class ToMeasure(Struct, frozen=True):
    """Somebody who waits for the doctor, and whether a nurse has measured."""

    visit_id: UUID
    number: int | None
    name: str
    room: str
    opened_at: Instant
    taken_at: Instant | None


class NothingMeasured(Refused):
    slug = "nothing-measured"


class WrongPressure(Refused):
    slug = "wrong-blood-pressure"


class WrongMoment(Refused):
    slug = "wrong-moment"


class VisitOver(Conflict):
    slug = "visit-over"


class NoSuchVitals(NotFound):
    slug = "no-such-vitals"


class VitalsVoided(Conflict):
    slug = "vitals-voided"


_MEASURED = ("pulse", "temperature", "systolic", "diastolic", "respiration", "spo2", "weight", "height")


def _with_unit(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:g} {unit}".replace(".", ",")


async def take_vitals(
    session: AsyncSession, command: TakeVitals, *, actor: Actor, now: Instant
) -> VitalsView:
    """Keep a taking once; the same command again returns the first result.

    Raises NothingMeasured, WrongPressure, WrongMoment, NoSuchVisit, VisitOver, IdReused.
    """
    known = await session.get(Measurement, command.id)
    if known is not None:
        if known.visit_id != command.visit_id:
            raise IdReused("Mã này đã dùng cho một lần đo khác. Tải lại trang rồi làm lại.")
        return _view(known)
    taken = command.taken_at or now
    _check(command, taken, now)
    visit = await session.get(Visit, command.visit_id)
    if visit is None:
        raise NoSuchVisit("Không có lượt khám này.")
    if visit.state in (VisitState.ENDED.value, VisitState.CANCELLED.value):
        raise VisitOver("Lượt khám đã kết thúc hoặc đã hủy, không ghi thêm dấu hiệu sinh tồn.")
    measurement = Measurement(
        id=command.id,
        visit_id=visit.id,
        patient_id=visit.patient_id,
        note=command.note.strip(),
        taken_at=taken,
        recorded_at=now,
        staff_id=actor.id,
        staff_name=f"{actor.title}. {actor.name}" if actor.title else actor.name,
        void_reason="",
        **{name: getattr(command, name) for name in _MEASURED},
    )
    session.add(measurement)
    await session.flush()
    await record(session, Entry(Action.CREATE, f"emr.vitals:{command.id}", visit.patient_id), actor)
    _tell(session, visit)
    return _view(measurement)


def _check(command: TakeVitals, taken: Instant, now: Instant) -> None:
    if all(getattr(command, name) is None for name in _MEASURED):
        raise NothingMeasured("Chưa có số đo nào. Ghi ít nhất một dấu hiệu.", field="pulse")
    if (command.systolic is None) != (command.diastolic is None):
        raise WrongPressure("Huyết áp cần cả số tối đa và tối thiểu.", field="systolic")
    if command.systolic and command.diastolic and command.systolic <= command.diastolic:
        raise WrongPressure("Huyết áp tối đa phải lớn hơn tối thiểu.", field="systolic")
    if not now - EARLY <= taken <= now + timedelta(minutes=1):
        raise WrongMoment("Giờ đo phải trong 24 giờ qua, không ở tương lai.", field="taken_at")


async def vitals_of_visit(session: AsyncSession, visit_id: UUID) -> list[VitalsView]:
    """Return the takings of a visit that hold, the latest first."""
    query = (
        select(Measurement)
        .where(Measurement.visit_id == visit_id, Measurement.voided_at.is_(None))
        .order_by(Measurement.taken_at.desc(), Measurement.recorded_at.desc())
    )
    return [_view(row) for row in await session.scalars(query)]


async def void_vitals(
    session: AsyncSession, vitals_id: UUID, command: VoidVitals, *, actor: Actor, now: Instant
) -> None:
    """Void a wrong taking; it stays readable in the log. Raises NoSuchVitals, VitalsVoided."""
    row = await session.get(Measurement, vitals_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NoSuchVitals("Không có lần đo này.")
    if row.voided_at is not None:
        raise VitalsVoided("Lần đo này đã được huỷ.")
    row.voided_at, row.voided_by, row.void_reason = now, actor.id, command.reason.strip()
    await session.flush()
    entry = Entry(Action.VOID, f"emr.vitals:{vitals_id}", row.patient_id, command.reason.strip())
    await record(session, entry, actor)
    _tell(session, await session.get_one(Visit, row.visit_id))


async def to_measure(session: AsyncSession, *, now: Instant) -> list[ToMeasure]:
    """Return who waits for a doctor today: those nobody measured first, by number."""
    taken = (
        select(Measurement.visit_id, func.max(Measurement.taken_at).label("taken_at"))
        .where(Measurement.voided_at.is_(None), Measurement.recorded_at > now - EARLY)
        .group_by(Measurement.visit_id)
        .subquery()
    )
    query = (
        select(Visit.id, Ticket.number, Patient.name, Room.name, Visit.opened_at, taken.c.taken_at)
        .join(Patient, Patient.id == Visit.patient_id)
        .join(Room, Room.code == Visit.room_code)
        .outerjoin(Ticket, and_(Ticket.visit_id == Visit.id, Ticket.day == local_day(now)))
        .outerjoin(taken, taken.c.visit_id == Visit.id)
        .where(Visit.state == VisitState.WAITING.value, Visit.opened_at > now - EARLY)
        .order_by(taken.c.taken_at.is_not(None), Visit.opened_at)
        .limit(_PAGE)
    )
    return [ToMeasure(*row) for row in await session.execute(query)]


def _tell(session: AsyncSession, visit: Visit) -> None:
    touch(session, f"visit:{visit.id}", {"visit_id": str(visit.id)})
    touch(session, "triage", {"visit_id": str(visit.id)})


def _view(row: Measurement) -> VitalsView:
    return convert({name: getattr(row, name) for name in VitalsView.__struct_fields__}, VitalsView)
