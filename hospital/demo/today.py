"""The demo's waiting rooms: people who came this morning, opened as reception does."""

import random
from datetime import date
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import (
    CardCheck,
    Guardian,
    IdentifiedBy,
    OpenVisit,
    Payer,
    TakeVitals,
    call_next,
    open_visit,
    proposed_priority,
    start_visit,
    take_vitals,
)
from emr.episodes.models import Episode
from emr.patients.models import Patient
from hospital.demo.known import staff_rows
from kernel.clock import Instant, local_day
from kernel.ids import new_id
from kernel.staff.api import Actor, Role

WAITING = [("PK1", "KB01", 6), ("PK2", "KB02", 7), ("PK3", "KB03", 3), ("PK4", "KB04", 2)]


def demo_actor(username: str) -> Actor:
    """One of the twelve people, to act as."""
    row = next(row for row in staff_rows() if row["username"] == username)
    return Actor(
        id=UUID(row["id"]),
        name=row["name"],
        title=row["title"],
        roles=frozenset(Role(role) for role in row["roles"].split()),
        department=row["department"],
    )


async def open_today(session: AsyncSession, *, now: Instant) -> None:
    """Fill the queues; in two rooms somebody is being examined."""
    dice, reception = random.Random(3), demo_actor("tiepdon")  # noqa: S311  (the dice of the demo)
    in_ward = select(Episode.patient_id).where(Episode.stay_open)
    people = select(Patient).where(Patient.id.not_in(in_ward)).order_by(Patient.code)
    patients = list((await session.execute(people)).scalars())
    dice.shuffle(patients)
    opened = [
        _opening(patients.pop(), room, service, local_day(now))
        for room, service, count in WAITING
        for _ in range(count)
    ]
    unseen = next(visit for visit in reversed(opened) if visit.insurance)
    for visit in opened:
        command = _unseen(visit) if visit is unseen else visit
        await open_visit(session, command, actor=reception, now=now)
    nurse = demo_actor("dieuduong")
    for visit in opened[::2]:
        await take_vitals(session, _measured(visit.id, dice), actor=nurse, now=now)
    for room, username in (("PK1", "bacsi"), ("PK2", "bacsi2")):
        doctor = demo_actor(username)
        ticket = await call_next(session, room, actor=doctor, now=now)
        await start_visit(session, ticket.visit_id, actor=doctor, now=now)


def _unseen(visit: OpenVisit) -> OpenVisit:
    """As the lobby machine opens it: the card waits to be looked up."""
    assert visit.insurance is not None, "chosen among the insured"
    taken = CardCheck(visit.insurance.card_number, portal_down="Tự đăng ký tại máy, chờ tra cứu thẻ")
    return replace(visit, insurance=taken)


def _measured(visit_id: UUID, dice: random.Random) -> TakeVitals:
    systolic = dice.randrange(105, 146)
    return TakeVitals(
        id=new_id(),
        visit_id=visit_id,
        pulse=dice.randrange(62, 98),
        temperature=dice.randrange(364, 378) / 10,
        systolic=systolic,
        diastolic=systolic - dice.randrange(35, 50),
        respiration=dice.randrange(14, 21),
        spo2=dice.randrange(95, 100),
        weight=dice.randrange(420, 750) / 10,
    )


def _opening(patient: Patient, room: str, service: str, today: date) -> OpenVisit:
    payer = Payer.ON_DEMAND if room == "PK4" else Payer.BHYT if patient.insurance_no else Payer.SELF_PAY
    card = CardCheck(
        card_number=patient.insurance_no or "",
        facility_code="99999",
        valid_from=date(today.year, 1, 1),
        valid_to=date(today.year, 12, 31),
        benefit_level=(patient.insurance_no or "DN4")[2],
        route="1.1",
        reply_code="000",
    )
    return OpenVisit(
        id=new_id(),
        patient_id=patient.id,
        payer=payer,
        room=room,
        service_code=service,
        reason="Khám theo yêu cầu của người bệnh",
        insurance=card if payer is Payer.BHYT else None,
        identified_by=IdentifiedBy.QR_CCCD,
        priority=proposed_priority(patient.birth_date, today),
        guardian=Guardian(name="Nguyễn Văn Mẫu", relation="Cha", phone="0500000999"),
    )
