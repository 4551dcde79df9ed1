"""Booking: seats, refusals, cancelling, moving; one transaction, rolled back."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from hospital.settings import Settings
from kernel.audit.api import entries_of_patient
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.staff.api import Actor
from patient_portal.booking.rules import BookingState
from patient_portal.booking.service import (
    AlreadyBooked,
    Book,
    BookingIdReused,
    BookingNotOpen,
    BookingView,
    NoSuchBooking,
    NoSuchSlot,
    SlotFull,
    SlotPast,
    TooLateToChange,
    arrive,
    book,
    booking_of_code,
    bookings_of,
    cancel_booking,
    move_booking,
    next_booking,
)
from patient_portal.booking.slots import (
    NoSlots,
    NoSuchSchedule,
    PractitionerBusy,
    ScheduleIdReused,
    bookable_departments,
    close_schedule,
    free_days,
    open_schedule,
    slots_of_day,
)
from tests.patient_portal.builders import a_doctor, a_patient, a_schedule, morning, open_slots, taken

ACTOR = Actor(id=new_id(), name="Người bệnh", title="", roles=frozenset(), department="", ip="127.0.0.1")


@pytest.fixture
async def doctor(session: AsyncSession, settings: Settings) -> UUID:
    return await a_doctor(session, settings)


async def _book(session: AsyncSession, slot: UUID, patient: UUID, **more: str) -> BookingView:
    command = Book(id=new_id(), slot_id=slot, **more)
    return await book(session, command, patient_id=patient, actor=ACTOR, now=utc_now())


async def _someone(session: AsyncSession) -> UUID:
    return (await a_patient(session)).id


async def test_a_booking_takes_a_seat_and_has_a_code(session: AsyncSession, doctor: UUID) -> None:
    slots = await open_slots(session, a_schedule(doctor))
    patient = await _someone(session)
    view = await _book(session, slots[0], patient, reason="mất ngủ")
    assert (view.state, view.room_name, view.reason) == (
        BookingState.BOOKED,
        "Phòng khám 2, tầng 1",
        "mất ngủ",
    )
    assert await taken(session, slots[0]) == 1
    assert await booking_of_code(session, view.code) == view
    assert await next_booking(session, patient, now=utc_now()) == view


async def test_sending_a_booking_twice_takes_one_seat(session: AsyncSession, doctor: UUID) -> None:
    slots = await open_slots(session, a_schedule(doctor))
    patient = await _someone(session)
    command = Book(id=new_id(), slot_id=slots[0])
    first = await book(session, command, patient_id=patient, actor=ACTOR, now=utc_now())
    again = await book(session, command, patient_id=patient, actor=ACTOR, now=utc_now())
    assert first == again
    assert await taken(session, slots[0]) == 1


async def test_an_id_names_one_booking(session: AsyncSession, doctor: UUID) -> None:
    slots = await open_slots(session, a_schedule(doctor))
    patient, other = await _someone(session), await _someone(session)
    command = Book(id=new_id(), slot_id=slots[0])
    await book(session, command, patient_id=patient, actor=ACTOR, now=utc_now())
    with pytest.raises(BookingIdReused):
        await book(session, command, patient_id=other, actor=ACTOR, now=utc_now())


async def test_a_full_slot_names_the_nearest_free_ones(session: AsyncSession, doctor: UUID) -> None:
    slots = await open_slots(session, a_schedule(doctor, slots=8, capacity=1))
    await _book(session, slots[3], await _someone(session))
    await _book(session, slots[4], await _someone(session))
    with pytest.raises(SlotFull) as refusal:
        await _book(session, slots[3], await _someone(session))
    assert [slot.id for slot in refusal.value.extra["free_slots"]] == [slots[i] for i in (0, 1, 2, 5, 6)]
    assert await taken(session, slots[3]) == 1


async def test_one_booking_a_person_day_and_department(
    session: AsyncSession, settings: Settings, doctor: UUID
) -> None:
    slots = await open_slots(session, a_schedule(doctor))
    elsewhere = await open_slots(session, a_schedule(await a_doctor(session, settings), department="K02"))
    tomorrow = await open_slots(session, a_schedule(doctor, starts_at=morning(4)))
    patient = await _someone(session)
    await _book(session, slots[0], patient)
    with pytest.raises(AlreadyBooked):
        await _book(session, slots[1], patient)
    assert await taken(session, slots[1]) == 0
    await _book(session, elsewhere[0], patient)
    await _book(session, tomorrow[0], patient)


async def test_the_database_too_refuses_two_bookings_of_a_day(session: AsyncSession, doctor: UUID) -> None:
    slots = await open_slots(session, a_schedule(doctor))
    view = await _book(session, slots[0], await _someone(session))
    copy = text(
        "INSERT INTO portal_booking (id, code, slot_id, patient_id, account_id, department, day, reason, state,"
        " booked_at) SELECT gen_random_uuid(), 'LHABCDEFGHJK', slot_id, patient_id, account_id, department, day,"
        " reason, state, booked_at FROM portal_booking WHERE id = :id"
    )
    with pytest.raises(IntegrityError, match="uq_portal_booking_patient_day_department"):
        async with session.begin_nested():
            await session.execute(copy.bindparams(id=view.id))


async def test_a_slot_of_the_past_and_no_slot(session: AsyncSession, doctor: UUID) -> None:
    patient = await _someone(session)
    start = utc_now() - timedelta(hours=2)
    slots = await open_slots(session, a_schedule(doctor, starts_at=start, slots=1))
    with pytest.raises(SlotPast):
        await _book(session, slots[0], patient)
    with pytest.raises(NoSuchSlot):
        await _book(session, new_id(), patient)


async def test_cancelling_gives_the_seat_back(session: AsyncSession, doctor: UUID) -> None:
    slots = await open_slots(session, a_schedule(doctor, capacity=1))
    patient = await _someone(session)
    view = await _book(session, slots[0], patient)
    after = await cancel_booking(session, view.id, patient_id=patient, actor=ACTOR, now=utc_now())
    assert after.state is BookingState.CANCELLED
    assert await taken(session, slots[0]) == 0
    assert await bookings_of(session, patient, since=utc_now()) == []
    with pytest.raises(BookingNotOpen):
        await cancel_booking(session, view.id, patient_id=patient, actor=ACTOR, now=utc_now())
    assert await taken(session, slots[0]) == 0
    await _book(session, slots[0], patient)


async def test_a_stranger_can_not_touch_a_booking(session: AsyncSession, doctor: UUID) -> None:
    slots = await open_slots(session, a_schedule(doctor))
    view = await _book(session, slots[0], await _someone(session))
    stranger = await _someone(session)
    with pytest.raises(NoSuchBooking):
        await cancel_booking(session, view.id, patient_id=stranger, actor=ACTOR, now=utc_now())
    command = Book(id=new_id(), slot_id=slots[1])
    with pytest.raises(NoSuchBooking):
        await move_booking(session, view.id, command, patient_id=stranger, actor=ACTOR, now=utc_now())


async def test_too_late_to_change_at_home(session: AsyncSession, doctor: UUID) -> None:
    slots = await open_slots(session, a_schedule(doctor, starts_at=utc_now() + timedelta(minutes=30)))
    patient = await _someone(session)
    view = await _book(session, slots[0], patient)
    with pytest.raises(TooLateToChange):
        await cancel_booking(
            session, view.id, patient_id=patient, actor=ACTOR, now=utc_now(), notice_minutes=60
        )


async def test_moving_keeps_the_old_seat_until_the_new_one_is_taken(
    session: AsyncSession, doctor: UUID
) -> None:
    slots = await open_slots(session, a_schedule(doctor, capacity=1))
    patient = await _someone(session)
    view = await _book(session, slots[0], patient, reason="tái khám")
    await _book(session, slots[1], await _someone(session))
    with pytest.raises(SlotFull):
        async with session.begin_nested():
            await _move(session, view, slots[1], patient)
    assert (await taken(session, slots[0]), await taken(session, slots[1])) == (1, 1)
    moved = await _move(session, view, slots[2], patient)
    assert (await taken(session, slots[0]), await taken(session, slots[2])) == (0, 1)
    assert [one.id for one in await bookings_of(session, patient, since=utc_now())] == [moved.id]


async def _move(session: AsyncSession, view: BookingView, slot: UUID, patient: UUID) -> BookingView:
    command = Book(id=new_id(), slot_id=slot, reason=view.reason)
    return await move_booking(session, view.id, command, patient_id=patient, actor=ACTOR, now=utc_now())


async def test_arriving_uses_the_booking_once(session: AsyncSession, doctor: UUID) -> None:
    slots = await open_slots(session, a_schedule(doctor))
    patient = await _someone(session)
    view = await _book(session, slots[0], patient)
    await arrive(session, view.id, visit_id=new_id(), actor=ACTOR)
    with pytest.raises(BookingNotOpen):
        await arrive(session, view.id, visit_id=new_id(), actor=ACTOR)
    with pytest.raises(BookingNotOpen):
        await cancel_booking(session, view.id, patient_id=patient, actor=ACTOR, now=utc_now())


async def test_every_step_is_in_the_patients_log(session: AsyncSession, doctor: UUID) -> None:
    slots = await open_slots(session, a_schedule(doctor))
    patient = await _someone(session)
    view = await _book(session, slots[0], patient)
    await cancel_booking(session, view.id, patient_id=patient, actor=ACTOR, now=utc_now())
    actions = [
        row.action for row in await entries_of_patient(session, patient) if str(view.id) in row.subject
    ]
    assert actions == ["void", "create"]


async def test_a_practitioner_is_in_one_place_at_a_time(session: AsyncSession, doctor: UUID) -> None:
    await open_slots(session, a_schedule(doctor))
    overlapping = a_schedule(doctor, starts_at=morning() + timedelta(minutes=90))
    with pytest.raises(PractitionerBusy):
        await open_schedule(session, overlapping, now=utc_now())
    after = a_schedule(doctor, starts_at=morning() + timedelta(hours=2))
    assert await open_schedule(session, after, now=utc_now()) == 4


async def test_opening_a_schedule_twice_opens_it_once(session: AsyncSession, doctor: UUID) -> None:
    command = a_schedule(doctor)
    assert await open_schedule(session, command, now=utc_now()) == 4
    assert await open_schedule(session, command, now=utc_now()) == 4
    assert len(await slots_of_day(session, "K01", morning().date(), now=utc_now())) == 4
    other = a_schedule(doctor, starts_at=morning(5), schedule_id=command.id)
    with pytest.raises(ScheduleIdReused):
        await open_schedule(session, other, now=utc_now())


async def test_a_schedule_without_room_for_a_slot(session: AsyncSession, doctor: UUID) -> None:
    with pytest.raises(NoSlots):
        await open_schedule(session, a_schedule(doctor, slots=0), now=utc_now())


async def test_a_closed_schedule_takes_no_more_and_names_whom_to_tell(
    session: AsyncSession, doctor: UUID
) -> None:
    command = a_schedule(doctor)
    slots = await open_slots(session, command)
    view = await _book(session, slots[0], await _someone(session))
    assert await close_schedule(session, command.id, now=utc_now()) == [view.id]
    with pytest.raises(NoSuchSlot):
        await _book(session, slots[1], await _someone(session))
    with pytest.raises(NoSuchSchedule):
        await close_schedule(session, command.id, now=utc_now())
    assert await bookable_departments(session, now=utc_now(), days_ahead=30) == []


async def test_what_is_free_is_listed(session: AsyncSession, doctor: UUID) -> None:
    slots = await open_slots(session, a_schedule(doctor, capacity=1))
    await _book(session, slots[0], await _someone(session))
    now = utc_now()
    departments = await bookable_departments(session, now=now, days_ahead=30)
    assert [(one.code, one.first_free) for one in departments] == [("K01", morning() + timedelta(minutes=30))]
    days = await free_days(session, "K01", now=now, days_ahead=30)
    assert [day.free for day in days] == [3]
    assert [slot.free for slot in await slots_of_day(session, "K01", days[0].day, now=now)] == [1, 1, 1]
