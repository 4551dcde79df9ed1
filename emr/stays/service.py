"""Admit, place in a bed, discharge."""

from typing import Any, cast
from uuid import UUID

from msgspec import Struct, convert
from sqlalchemy import Table, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.models import Visit
from emr.episodes.rules import Outcome, StayState, VisitState
from emr.episodes.service import NoSuchVisit, close_if_over, set_stay_open
from emr.episodes.views import Admit, StayView
from emr.events import StayEnded, StayOpened
from emr.once import fingerprint, require_same
from emr.orders.models import Order
from emr.patients.models import Patient
from emr.places.models import Bed
from emr.places.service import get_department
from emr.places.views import BedView
from emr.stays.models import BedUse, Stay
from emr.visits.service import VisitMoved, end_visit, settle_undone
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, local_day
from kernel.ids import new_id
from kernel.live import touch
from kernel.outbox.api import publish
from kernel.problems import Conflict, NotFound, Refused
from kernel.staff.api import Actor

_STAYS = cast(Table, Stay.__table__)
_USES = cast(Table, BedUse.__table__)
_NOW_IN_BED = (
    select(BedUse.bed_code).where(BedUse.stay_id == Stay.id, func.upper_inf(BedUse.during)).scalar_subquery()
)
_COLUMNS: list[Any] = [
    _NOW_IN_BED.label("bed")
    if name == "bed"
    else getattr(Stay, {"department": "department_code"}.get(name, name)).label(name)
    for name in StayView.__struct_fields__
]


class NoSuchStay(NotFound):
    slug = "no-such-stay"


class NoSuchBed(NotFound):
    slug = "no-such-bed"


class AlreadyAdmitted(Conflict):
    slug = "already-admitted"


class BedTaken(Conflict):
    """Somebody lies in this bed."""

    slug = "bed-taken"


class StayOver(Conflict):
    slug = "stay-over"


class InvalidOutcome(Refused):
    slug = "invalid-outcome"


class StayLine(Struct, frozen=True):
    """One person of a ward's list."""

    stay: StayView
    patient_code: str
    name: str
    birth_date: str
    sex: str


async def admit(session: AsyncSession, command: Admit, *, actor: Actor, now: Instant) -> StayView:
    """Open a stay from an exam, end the exam, and place the person in a bed if one is named.

    Raises NoSuchVisit, VisitMoved, NoSuchDepartment, AlreadyAdmitted, NoSuchBed, BedTaken, IdReused.
    """
    statement = select(Visit).where(Visit.id == command.visit_id).with_for_update()
    visit = (await session.execute(statement)).scalar_one_or_none()
    if visit is None:
        raise NoSuchVisit("Không có lượt khám này.")
    stored = await session.scalar(select(Stay.fingerprint).where(Stay.id == command.id))
    if stored is not None:
        require_same(stored, command)
        return await get_stay(session, command.id)
    await get_department(session, command.department)
    if visit.state not in (VisitState.WAITING, VisitState.IN_PROGRESS):
        raise VisitMoved("Lượt khám này đã kết thúc hoặc đã hủy, không nhập viện từ đây được.")
    await _insert(session, command, visit, actor=actor, now=now)
    await set_stay_open(session, visit.episode_id, stay_open=True)
    await publish(
        session,
        StayOpened(
            stay_id=command.id,
            episode_id=visit.episode_id,
            patient_id=visit.patient_id,
            department=command.department,
            admitted_at=now,
        ),
    )
    entry = Entry(
        Action.CREATE, f"emr.stay:{command.id}", visit.patient_id, detail={"department": command.department}
    )
    await record(session, entry, actor)
    if visit.state == VisitState.IN_PROGRESS:
        await end_visit(session, visit.id, Outcome.ADMITTED, actor=actor, now=now)
    if command.bed:
        await place_in_bed(session, command.id, command.bed, actor=actor, now=now)
    return await get_stay(session, command.id)


async def _insert(session: AsyncSession, command: Admit, visit: Visit, *, actor: Actor, now: Instant) -> None:
    values = {
        "id": command.id,
        "number": func.emr_next_code("NT", local_day(now).year, "emr_stay_number"),
        "episode_id": visit.episode_id,
        "visit_id": visit.id,
        "patient_id": visit.patient_id,
        "department_code": command.department,
        "state": StayState.OPEN.value,
        "reason": command.reason,
        "diagnosis_code": command.diagnosis_code,
        "fingerprint": fingerprint(command),
        "admitted_at": now,
        "admitted_by": actor.id,
    }
    made = (
        insert(_STAYS)
        .values(values)
        .on_conflict_do_nothing(index_elements=["patient_id"], index_where=text("state = 'OPEN'"))
    )
    if await session.scalar(made.returning(_STAYS.c.id)) is None:
        raise AlreadyAdmitted("Người bệnh đang nằm viện. Cho ra viện đợt trước rồi mới nhập viện lại.")


async def _locked(session: AsyncSession, stay_id: UUID) -> dict[str, Any]:
    row = (await session.execute(select(_STAYS).where(_STAYS.c.id == stay_id).with_for_update())).first()
    if row is None:
        raise NoSuchStay("Không có đợt điều trị này.")
    if row.state != StayState.OPEN:
        raise StayOver("Đợt điều trị đã kết thúc.")
    return row._asdict()


async def place_in_bed(
    session: AsyncSession, stay_id: UUID, bed_code: str, *, actor: Actor, now: Instant
) -> StayView:
    """Put a person in a bed, leaving the one before. Raises NoSuchStay, StayOver, NoSuchBed, BedTaken."""
    row = await _locked(session, stay_id)
    bed = (await session.execute(select(Bed).where(Bed.code == bed_code, Bed.active))).scalar_one_or_none()
    if bed is None:
        raise NoSuchBed("Không có giường này.", field="bed")
    current = select(BedUse.bed_code).where(BedUse.stay_id == stay_id, func.upper_inf(BedUse.during))
    if await session.scalar(current) == bed_code:
        return await get_stay(session, stay_id)
    await _leave_bed(session, stay_id, now=now)
    use = {
        "id": new_id(),
        "stay_id": stay_id,
        "bed_code": bed_code,
        "bed_number": bed.number,
        "during": Range(now, None),
        "placed_by": actor.id,
    }
    try:
        async with session.begin_nested():
            await session.execute(insert(_USES).values(use))
    except IntegrityError as error:
        if "ex_emr_bed_use_bed_during" not in str(error.orig):
            raise
        raise BedTaken(f"Giường {bed_code} đang có người nằm. Chọn giường khác.", field="bed") from None
    department = {"department_code": bed.department_code}
    await session.execute(update(_STAYS).where(_STAYS.c.id == stay_id).values(department))
    entry = Entry(Action.CHANGE, f"emr.stay:{stay_id}", row["patient_id"], detail={"bed": bed_code})
    await record(session, entry, actor)
    touch(session, f"beds:{bed.department_code}", {"bed": bed_code})
    return await get_stay(session, stay_id)


async def _leave_bed(session: AsyncSession, stay_id: UUID, *, now: Instant) -> None:
    until = func.tstzrange(func.lower(_USES.c.during), literal(now))
    await session.execute(
        update(_USES).where(_USES.c.stay_id == stay_id, func.upper_inf(_USES.c.during)).values(during=until)
    )


async def discharge(
    session: AsyncSession,
    stay_id: UUID,
    outcome: Outcome,
    *,
    actor: Actor,
    now: Instant,
    void_undone: bool = False,
) -> StayView:
    """End a stay and free its bed (ra viện). What nobody will do any more is voided and not billed.

    Raises NoSuchStay, StayOver, InvalidOutcome, UndoneOrders for orders that may be done (unless `void_undone`).
    """
    if outcome is Outcome.ADMITTED:
        raise InvalidOutcome("Chọn hình thức ra viện.", field="outcome")
    row = await _locked(session, stay_id)
    of_episode = Order.episode_id == row["episode_id"]
    reason = "Ra viện, chưa thực hiện"
    await settle_undone(session, of_episode, reason, void_undone=void_undone, actor=actor, now=now)
    await _leave_bed(session, stay_id, now=now)
    ended = {
        "state": StayState.ENDED.value,
        "discharged_at": now,
        "discharged_by": actor.id,
        "outcome": outcome.value,
    }
    await session.execute(update(_STAYS).where(_STAYS.c.id == stay_id).values(ended))
    await set_stay_open(session, row["episode_id"], stay_open=False)
    closed = await close_if_over(session, row["episode_id"], now=now)
    await publish(
        session,
        StayEnded(
            stay_id=stay_id,
            episode_id=row["episode_id"],
            patient_id=row["patient_id"],
            discharged_at=now,
            outcome=outcome.value,
            episode_closed=closed,
        ),
    )
    entry = Entry(Action.CHANGE, f"emr.stay:{stay_id}", row["patient_id"], detail={"outcome": outcome.value})
    await record(session, entry, actor)
    touch(session, f"beds:{row['department_code']}", {})
    return await get_stay(session, stay_id)


async def get_stay(session: AsyncSession, stay_id: UUID) -> StayView:
    """Raises NoSuchStay."""
    row = (await session.execute(select(*_COLUMNS).where(Stay.id == stay_id))).first()
    if row is None:
        raise NoSuchStay("Không có đợt điều trị này.")
    return convert(row._asdict(), StayView)


async def stays_of_patient(session: AsyncSession, patient_id: UUID) -> list[StayView]:
    """Return a person's stays, the latest first."""
    statement = select(*_COLUMNS).where(Stay.patient_id == patient_id).order_by(Stay.admitted_at.desc())
    return [convert(row._asdict(), StayView) for row in await session.execute(statement)]


async def stay_of_episode(session: AsyncSession, episode_id: UUID) -> StayView | None:
    """Return the stay of an episode, if there is one."""
    statement = select(*_COLUMNS).where(Stay.episode_id == episode_id).order_by(Stay.admitted_at.desc())
    row = (await session.execute(statement.limit(1))).first()
    return convert(row._asdict(), StayView) if row else None


async def open_stays(session: AsyncSession, *, department: str | None = None) -> list[StayLine]:
    """Return who is in the wards now."""
    statement = (
        select(*_COLUMNS, Patient.code.label("patient_code"), Patient.name, Patient.birth_date, Patient.sex)
        .join(Patient, Patient.id == Stay.patient_id)
        .where(Stay.state == StayState.OPEN.value)
        .order_by(Stay.department_code, _NOW_IN_BED, Stay.admitted_at)
    )
    if department:
        statement = statement.where(Stay.department_code == department)
    return [
        StayLine(
            stay=convert(row._asdict(), StayView),
            patient_code=row.patient_code,
            name=row.name,
            birth_date=f"{row.birth_date:%d/%m/%Y}",
            sex=row.sex,
        )
        for row in await session.execute(statement)
    ]


async def beds_of(session: AsyncSession, department: str) -> list[BedView]:
    """Return a department's beds and who lies in them."""
    statement = (
        select(
            Bed.code, Bed.room_code, Bed.department_code, BedUse.stay_id, Patient.name.label("patient_name")
        )
        .outerjoin(BedUse, (BedUse.bed_code == Bed.code) & func.upper_inf(BedUse.during))
        .outerjoin(Stay, Stay.id == BedUse.stay_id)
        .outerjoin(Patient, Patient.id == Stay.patient_id)
        .where(Bed.department_code == department, Bed.active)
        .order_by(Bed.number)
    )
    return [convert(row._asdict(), BedView) for row in await session.execute(statement)]
