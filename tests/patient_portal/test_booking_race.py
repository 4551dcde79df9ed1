"""Many people, few seats, real commits: never over-booked, never refused while a seat is free."""

import asyncio
from uuid import UUID

from sqlalchemy import text

from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.staff.api import Actor
from patient_portal.booking.service import Book, SlotFull, book_once, cancel_booking, move_booking
from tests.conftest import RealDatabase
from tests.patient_portal.builders import a_doctor, a_patient, a_schedule, open_slots, taken

ACTOR = Actor(id=new_id(), name="Người bệnh", title="", roles=frozenset(), department="", ip="127.0.0.1")


async def _people(real_db: RealDatabase, count: int) -> list[UUID]:
    async with real_db.sessions.begin() as session:
        return [(await a_patient(session)).id for _ in range(count)]


async def _slots(real_db: RealDatabase, *, capacity: int, slots: int = 1) -> list[UUID]:
    async with real_db.sessions.begin() as session:
        doctor = await a_doctor(session, real_db.settings)
        return await open_slots(session, a_schedule(doctor, slots=slots, capacity=capacity))


async def _try(real_db: RealDatabase, slot: UUID, patient: UUID, booking: UUID | None = None) -> bool:
    command = Book(id=booking or new_id(), slot_id=slot)
    try:
        await book_once(real_db.sessions, command, patient_id=patient, actor=ACTOR, now=utc_now())
    except SlotFull:
        return False
    return True


async def test_two_people_want_the_last_seat(real_db: RealDatabase) -> None:
    [slot] = await _slots(real_db, capacity=1)
    people = await _people(real_db, 2)
    results = await asyncio.gather(*(_try(real_db, slot, person) for person in people))
    assert sorted(results) == [False, True]


async def test_forty_people_and_seven_seats(real_db: RealDatabase) -> None:
    [slot] = await _slots(real_db, capacity=7)
    people = await _people(real_db, 40)
    results = await asyncio.gather(*(_try(real_db, slot, person) for person in people))
    async with real_db.sessions() as session:
        booked = await session.scalar(text("SELECT count(*) FROM portal_booking WHERE state = 'BOOKED'"))
        assert (sum(results), booked, await taken(session, slot)) == (7, 7, 7)


async def test_one_person_presses_ten_times_at_once(real_db: RealDatabase) -> None:
    [slot] = await _slots(real_db, capacity=5)
    [person] = await _people(real_db, 1)
    booking = new_id()
    results = await asyncio.gather(*(_try(real_db, slot, person, booking) for _ in range(10)))
    async with real_db.sessions() as session:
        assert all(results)
        assert await taken(session, slot) == 1


async def test_people_move_between_the_same_two_slots_at_once(real_db: RealDatabase) -> None:
    """Locks are taken in one order: nobody is thrown out by a deadlock, and the counters stay true."""
    first, second = await _slots(real_db, capacity=12, slots=2)
    people = await _people(real_db, 12)
    held = {}
    for i, person in enumerate(people):
        command = Book(id=new_id(), slot_id=(first, second)[i % 2])
        view = await book_once(real_db.sessions, command, patient_id=person, actor=ACTOR, now=utc_now())
        held[person] = view

    async def move(person: UUID) -> None:
        view = held[person]
        other = second if view.slot_id == first else first
        command = Book(id=new_id(), slot_id=other)
        async with real_db.sessions.begin() as session:
            await move_booking(session, view.id, command, patient_id=person, actor=ACTOR, now=utc_now())

    await asyncio.gather(*(move(person) for person in people))
    async with real_db.sessions() as session:
        assert (await taken(session, first), await taken(session, second)) == (6, 6)


async def test_a_seat_given_back_is_taken_by_somebody_who_waits(real_db: RealDatabase) -> None:
    [slot] = await _slots(real_db, capacity=1)
    holder, *others = await _people(real_db, 9)
    command = Book(id=new_id(), slot_id=slot)
    view = await book_once(real_db.sessions, command, patient_id=holder, actor=ACTOR, now=utc_now())
    async with real_db.sessions.begin() as session:
        await cancel_booking(session, view.id, patient_id=holder, actor=ACTOR, now=utc_now())
        waiting = [asyncio.create_task(_try(real_db, slot, other)) for other in others]
        await asyncio.sleep(0)
    assert sorted(await asyncio.gather(*waiting)) == [False] * 7 + [True]


async def test_a_seat_taken_is_audited_and_a_seat_refused_is_not(real_db: RealDatabase) -> None:
    """Seat, booking and audit row are one statement: all of them or none."""
    [slot] = await _slots(real_db, capacity=1)
    people = await _people(real_db, 2)
    results = [await _try(real_db, slot, person) for person in people]
    assert results == [True, False]
    async with real_db.sessions() as session:
        rows = await session.execute(
            text(
                "SELECT patient_id, action, actor_id FROM kernel_audit WHERE subject LIKE 'portal.booking:%'"
            )
        )
        assert [tuple(row) for row in rows] == [(people[0], "create", ACTOR.id)]
