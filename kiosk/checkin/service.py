"""Check-in at a lobby machine: who is it, which room, open the visit, hand out the number."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import (
    AlreadyWaiting,
    CardCheck,
    IdentifiedBy,
    OpenVisit,
    PatientView,
    Payer,
    TicketView,
    age_years,
    get_patient,
    get_room,
    get_visit,
    list_rooms,
    open_visit,
    proposed_priority,
    queue_of,
    search_services,
)
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, local_day
from kernel.problems import Conflict, NotFound, Refused
from kernel.text import mask_name
from kiosk.checkin.bookings import KioskBooking
from kiosk.checkin.desk import Desk
from kiosk.checkin.models import Arrival
from kiosk.checkin.persons import Found, find_person
from kiosk.checkin.rules import How, RoomLoad, picture_of, shortest_queue, still_here

ADULT = 16
"""Below it somebody answers for the child, whom a machine can't ask (R-31)."""


class Scan(Struct, frozen=True, forbid_unknown_fields=True):
    id: UUID  # Made by the machine and kept across retries.
    text: str


class CheckIn(Struct, frozen=True, forbid_unknown_fields=True):
    insured: bool
    """The person shows a BHYT card for this visit."""
    service: str = ""
    """Code of the exam the person chose; not needed with a booking."""


class ExamChoice(Struct, frozen=True):
    """An exam a person may come for without a doctor's order (khám Nội, khám Tâm thần)."""

    code: str
    name: str
    room: str
    waiting: int
    icon: str = "stethoscope"


class ArrivalView(Struct, frozen=True):
    id: UUID
    masked_name: str
    has_card: bool
    booking: KioskBooking | None
    exams: list[ExamChoice]
    visit_id: UUID | None


class Slip(Struct, frozen=True):
    """What the ticket says."""

    visit_number: str
    masked_name: str
    number: int
    room: str
    room_name: str
    place: str
    ready: bool
    """False: the exam fee comes first."""
    waiting: int
    issued_at: Instant
    again: bool


class ArrivalOver(NotFound):
    slug = "arrival-over"


class GoToDesk(Refused):
    """The machine can't help; the words say why and where to go."""

    slug = "go-to-desk"


class NoRoomOpen(Conflict):
    slug = "no-room-open"


async def identify(session: AsyncSession, scan: Scan, desk: Desk) -> ArrivalView:
    """Read a scan and say who it is; a card that is not on file opens a record if the hospital allows it.

    Raises BadScan (of emr), GoToDesk, BookingElsewhen, BookingGone.
    """
    stored = await session.scalar(select(Arrival.id).where(Arrival.id == scan.id))
    if stored is None:
        found = await find_person(session, scan.text, desk)
        await _refuse_children(session, found, now=desk.now)
        await session.execute(
            insert(Arrival)
            .values(
                id=scan.id,
                device_id=desk.device.id,
                patient_id=found.patient_id,
                identified_by=found.how.value,
                card_number=found.card_number,
                booking_id=found.booking.id if found.booking else None,
                scanned_at=desk.now,
            )
            .on_conflict_do_nothing(index_elements=["id"])
        )
        entry = Entry(Action.VIEW, f"kiosk.arrival:{scan.id}", patient_id=found.patient_id)
        await record(session, entry, desk.device.actor)
    return await arrival_view(session, scan.id, desk)


async def _refuse_children(session: AsyncSession, found: Found, *, now: Instant) -> None:
    patient = await get_patient(session, found.patient_id)
    if age_years(patient.birth_date, local_day(now)) < ADULT:
        raise GoToDesk("Trẻ dưới 16 tuổi cần người đi cùng khai tên. Mời đến quầy tiếp đón.")


async def _arrival(session: AsyncSession, arrival_id: UUID, desk: Desk, *, lock: bool = False) -> Arrival:
    query = select(Arrival).where(Arrival.id == arrival_id, Arrival.device_id == desk.device.id)
    arrival = await session.scalar(query.with_for_update() if lock else query)
    if arrival is None or not still_here(arrival.scanned_at, now=desk.now):
        raise ArrivalOver("Đã quá lâu. Xin quét lại thẻ.")
    return arrival


async def arrival_view(session: AsyncSession, arrival_id: UUID, desk: Desk) -> ArrivalView:
    """Return what the second screen asks. Raises ArrivalOver, also for another machine's."""
    arrival = await _arrival(session, arrival_id, desk)
    patient = await get_patient(session, arrival.patient_id)
    booking = await desk.bookings.by_id(session, arrival.booking_id) if arrival.booking_id else None
    exams = [] if booking else await exam_choices(session, now=desk.now)
    return ArrivalView(
        id=arrival.id,
        masked_name=mask_name(patient.name),
        has_card=bool(arrival.card_number or patient.insurance_no),
        booking=booking,
        exams=exams,
        visit_id=arrival.visit_id,
    )


async def exam_choices(session: AsyncSession, *, now: Instant) -> list[ExamChoice]:
    """Return the exams within the fund's scope, each with its room, else the exam room with the shortest queue.

    Exams on demand have another price and are sold at the desk.
    """
    rooms = await list_rooms(session, kinds=("EXAM",))
    loads = [RoomLoad(room.code, await _waiting(session, room.code, now=now)) for room in rooms]
    choices = []
    for exam in await search_services(session, "", 50, on=local_day(now), kinds=("EXAM",)):
        fitting = [load for load in loads if exam.room in (None, load.room)]
        room = shortest_queue(fitting)
        if exam.in_scope and room is not None:
            waiting = next(load.waiting for load in fitting if load.room == room)
            choices.append(ExamChoice(exam.code, exam.name, room, waiting, picture_of(exam.name)))
    return choices


async def _waiting(session: AsyncSession, room: str, *, now: Instant) -> int:
    queue = await queue_of(session, room, now=now)
    return sum(line.called_at is None for line in queue.lines)


async def check_in(session: AsyncSession, arrival_id: UUID, command: CheckIn, desk: Desk) -> Slip:
    """Open the visit and return the ticket; doing it again shows the same ticket.

    Raises ArrivalOver, GoToDesk, NoRoomOpen, and what emr's open_visit raises.
    """
    now = desk.now
    arrival = await _arrival(session, arrival_id, desk, lock=True)
    if arrival.visit_id is not None:
        return await slip_of(session, arrival.visit_id, now=now, again=True)
    patient = await get_patient(session, arrival.patient_id)
    booking = await desk.bookings.by_id(session, arrival.booking_id) if arrival.booking_id else None
    room, service = (
        (booking.room, booking.service_code) if booking else await _chosen(session, command.service, now=now)
    )
    visit = OpenVisit(
        id=arrival.id,
        patient_id=patient.id,
        payer=Payer.BHYT if command.insured else Payer.SELF_PAY,
        room=room,
        service_code=service,
        reason=booking.reason if booking else "",
        insurance=_card(arrival, patient) if command.insured else None,
        identified_by=IdentifiedBy.QR_CCCD if arrival.identified_by == How.QR_CCCD else IdentifiedBy.MANUAL,
        priority=proposed_priority(patient.birth_date, local_day(now)),
    )
    try:
        async with session.begin_nested():
            opened = await open_visit(session, visit, actor=desk.device.actor, now=now)
    except AlreadyWaiting as waiting:
        visit_id, again = UUID(waiting.extra["visit_id"]), True
    else:
        visit_id, again = opened.id, False
        if booking and booking.open:
            await desk.bookings.arrive(session, booking.id, visit_id=visit_id, actor=desk.device.actor)
    done = update(Arrival).where(Arrival.id == arrival.id).values(visit_id=visit_id, done_at=now)
    await session.execute(done)
    return await slip_of(session, visit_id, now=now, again=again)


async def _chosen(session: AsyncSession, service: str, *, now: Instant) -> tuple[str, str]:
    for exam in await exam_choices(session, now=now):
        if exam.code == service:
            return exam.room, exam.code
    raise NoRoomOpen("Hiện chưa mở phòng cho dịch vụ này. Mời đến quầy tiếp đón.")


def _card(arrival: Arrival, patient: PatientView) -> CardCheck:
    """Take the number now and verify it later: nobody has looked the card up yet (NĐ 188/2025 Đ37-38)."""
    number = arrival.card_number or patient.insurance_no
    if not number:
        raise GoToDesk("Chưa có số thẻ BHYT. Mời quét thẻ BHYT hoặc đến quầy tiếp đón.")
    return CardCheck(card_number=number, portal_down="Tự đăng ký tại máy, chờ tra cứu thẻ", checked_at=None)


async def slip_of(session: AsyncSession, visit_id: UUID, *, now: Instant, again: bool) -> Slip:
    visit = await get_visit(session, visit_id)
    ticket: TicketView | None = visit.ticket
    assert ticket is not None
    room = await get_room(session, ticket.room)
    patient = await get_patient(session, visit.patient_id)
    ahead = await _waiting(session, ticket.room, now=now)
    return Slip(
        visit_number=visit.number,
        masked_name=mask_name(patient.name),
        number=ticket.number,
        room=room.code,
        room_name=room.name,
        place=room.place,
        ready=ticket.ready,
        waiting=max(0, ahead - 1),
        issued_at=ticket.issued_at,
        again=again,
    )


async def arrival_slip(session: AsyncSession, arrival_id: UUID, desk: Desk) -> Slip:
    """Return the ticket of a finished check-in, for its screen. Raises ArrivalOver."""
    arrival = await _arrival(session, arrival_id, desk)
    if arrival.visit_id is None:
        raise ArrivalOver("Xin quét lại thẻ.")
    return await slip_of(session, arrival.visit_id, now=desk.now, again=False)
