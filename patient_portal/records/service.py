"""What a patient reads of their own visits, and the first page of the portal."""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import NoSuchVisit, PatientView, VisitState, get_patient, get_room, get_visit, patient_history
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, local_day
from patient_portal.accounts.service import Patient

STATE_WORDS = {
    VisitState.WAITING: "Chờ khám",
    VisitState.IN_PROGRESS: "Đang khám",
    VisitState.ENDED: "Đã khám xong",
    VisitState.CANCELLED: "Đã huỷ",
}


class OwnVisit(Struct, frozen=True):
    """A visit (lượt khám) as its patient sees it."""

    id: UUID
    number: str
    episode_id: UUID
    state: VisitState
    state_name: str
    room_name: str
    doctor_name: str
    day: date
    opened_at: Instant
    ended_at: datetime | None
    ticket_number: int | None = None


class Profile(Struct, frozen=True):
    """Who the portal thinks this is. Numbers are shown by their ends only."""

    code: str
    name: str
    birth_date: str
    phone: str
    citizen_id: str
    insurance_no: str


async def own_visits(session: AsyncSession, patient: Patient, *, limit: int = 50) -> list[OwnVisit]:
    """Return the patient's visits, the latest first."""
    visits = await patient_history(session, patient.patient_id, limit=limit)
    rooms = {code: (await get_room(session, code)).name for code in {visit.room for visit in visits}}
    return [
        OwnVisit(
            id=visit.id,
            number=visit.number,
            episode_id=visit.episode_id,
            state=visit.state,
            state_name=STATE_WORDS[visit.state],
            room_name=rooms[visit.room],
            doctor_name=visit.doctor_name or "",
            day=local_day(visit.opened_at),
            opened_at=visit.opened_at,
            ended_at=visit.ended_at,
            ticket_number=visit.ticket.number if visit.ticket else None,
        )
        for visit in visits
    ]


async def own_visit(session: AsyncSession, visit_id: UUID, patient: Patient) -> OwnVisit:
    """Return one visit and note that its patient looked. Raises NoSuchVisit, also for somebody else's."""
    visit = await get_visit(session, visit_id)
    if visit.patient_id != patient.patient_id:
        raise NoSuchVisit("Không có lượt khám này.")
    entry = Entry(Action.VIEW, f"emr.visit:{visit_id}", patient_id=patient.patient_id)
    await record(session, entry, patient.actor)
    return next(own for own in await own_visits(session, patient, limit=500) if own.id == visit_id)


async def person(session: AsyncSession, patient: Patient) -> PatientView:
    return await get_patient(session, patient.patient_id)


def profile_of(view: PatientView) -> Profile:
    return Profile(
        code=view.code,
        name=view.name,
        birth_date=f"{view.birth_date:%d/%m/%Y}",
        phone=view.phone or "",
        citizen_id=_tail(view.citizen_id),
        insurance_no=_tail(view.insurance_no),
    )


def _tail(number: str | None) -> str:
    return "•" * (len(number) - 4) + number[-4:] if number else ""
