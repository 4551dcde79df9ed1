"""Numbers and calls."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.rules import Outcome, Payer, QueuePriority
from emr.episodes.views import TicketView, VisitView
from emr.places.service import NoSuchRoom
from emr.queues.rules import CARRIED, NEXT, TicketState, may_move
from emr.queues.service import (
    NobodyWaits,
    NoSuchTicket,
    TicketMoved,
    board_of,
    call_again,
    call_next,
    move_ticket,
    queue_of,
)
from emr.visits.service import AlreadyWaiting, end_visit, start_visit
from kernel.clock import local_day
from kernel.ids import new_id
from tests.conftest import RealDatabase
from tests.emr.builders import DOCTOR, LATER, NOW, a_hospital, a_patient, a_visit

TODAY = local_day(NOW)


async def a_waiting(
    session: AsyncSession, name: str, *, payer: Payer = Payer.BHYT, **more: Any
) -> TicketView:
    person = await a_patient(session, name=name)
    visit = await a_visit(session, patient_id=person.id, payer=payer, **more)
    assert visit.ticket
    return visit.ticket


async def test_emergencies_come_first_then_priority_then_the_number(hospital: AsyncSession) -> None:
    await a_waiting(hospital, "Nguyễn Thường")
    await a_waiting(hospital, "Trần Ưu Tiên", priority=QueuePriority.PRIORITY)
    await a_waiting(hospital, "Lê Cấp Cứu", priority=QueuePriority.EMERGENCY)
    await a_waiting(hospital, "Phạm Thường")
    called = [(await call_next(hospital, "PK1", actor=DOCTOR, now=NOW)).number for _ in range(4)]
    assert called == [3, 2, 1, 4]
    with pytest.raises(NobodyWaits):
        await call_next(hospital, "PK1", actor=DOCTOR, now=NOW)


async def test_who_has_not_paid_the_exam_is_not_called(hospital: AsyncSession) -> None:
    await a_waiting(hospital, "Nguyễn Chưa Đóng", payer=Payer.SELF_PAY)
    with pytest.raises(NobodyWaits):
        await call_next(hospital, "PK1", actor=DOCTOR, now=NOW)
    with pytest.raises(NoSuchRoom):
        await call_next(hospital, "PK9", actor=DOCTOR, now=NOW)


async def test_two_doctors_of_one_room_call_two_people(real_db: RealDatabase) -> None:
    async with real_db.sessions.begin() as session:
        await a_hospital(session)
        for name in ("Người A", "Người B", "Người C", "Người D"):
            await a_waiting(session, name)

    async def call() -> int:
        async with real_db.sessions.begin() as session:
            ticket = await call_next(session, "PK1", actor=DOCTOR, now=NOW)
            await asyncio.sleep(0)
            return ticket.number

    numbers = await asyncio.gather(*(call() for _ in range(4)))
    assert sorted(numbers) == [1, 2, 3, 4]


async def test_a_missed_person_may_be_called_again(hospital: AsyncSession) -> None:
    ticket = await a_waiting(hospital, "Nguyễn Vắng")
    with pytest.raises(TicketMoved):
        await call_again(hospital, ticket.id, actor=DOCTOR, now=NOW)
    await call_next(hospital, "PK1", actor=DOCTOR, now=NOW)
    await move_ticket(hospital, ticket.id, TicketState.MISSED)
    again = await call_again(hospital, ticket.id, actor=DOCTOR, now=LATER)
    assert (again.state, again.called_at) == ("CALLED", LATER)
    with pytest.raises(NoSuchTicket):
        await call_again(hospital, new_id(), actor=DOCTOR, now=NOW)


async def test_a_number_is_of_its_room_and_day(hospital: AsyncSession) -> None:
    await a_waiting(hospital, "Nguyễn Một")
    other = await a_waiting(hospital, "Nguyễn Hai", room="PK2")
    assert other.number == 1
    queue = await queue_of(hospital, "PK1", now=NOW)
    assert [(line.number, line.name, line.ready) for line in queue.lines] == [(1, "Nguyễn Một", True)]


async def test_the_board_masks_names(hospital: AsyncSession) -> None:
    await a_waiting(hospital, "Nguyễn Thị Thu Hà")
    await a_waiting(hospital, "Trần Văn Sau")
    await call_next(hospital, "PK1", actor=DOCTOR, now=NOW)
    board = await board_of(hospital, "A", now=NOW)
    assert board.newest is not None
    assert (board.newest.masked_name, board.newest.number) == ("NGUYỄN T** T** H*", 1)
    first = board.rooms[0]
    assert (first.room, first.waiting, first.next_numbers) == ("PK1", 1, [2])


@pytest.mark.parametrize(("old", "new"), list(product(TicketState, TicketState)))
async def test_forbidden_moves_of_a_ticket(
    hospital: AsyncSession, old: TicketState, new: TicketState
) -> None:
    allowed = {
        "WAITING": {"CALLED", "SERVING", "CANCELLED"},
        "CALLED": {"SERVING", "MISSED", "CANCELLED"},
        "SERVING": {"DONE"},
        "MISSED": {"WAITING", "CALLED", "CANCELLED"},
    }
    assert may_move(old, new) == (new.value in allowed.get(old.value, set()))
    assert set(NEXT) == set(TicketState)
    if old is TicketState.WAITING and not may_move(old, new):
        ticket = await a_waiting(hospital, "Nguyễn Thử")
        with pytest.raises(TicketMoved):
            await move_ticket(hospital, ticket.id, new)


BEFORE_MIDNIGHT = datetime(2026, 11, 21, 16, 50, tzinfo=UTC)  # 23:50 in Vietnam.
AFTER_MIDNIGHT = BEFORE_MIDNIGHT + timedelta(minutes=20)


async def a_night_visit(session: AsyncSession, name: str) -> VisitView:
    person = await a_patient(session, name=name)
    return await a_visit(session, now=BEFORE_MIDNIGHT, patient_id=person.id, payer=Payer.BHYT)


async def test_who_waits_at_midnight_is_still_called_before_the_new_day(hospital: AsyncSession) -> None:
    await a_night_visit(hospital, "Nguyễn Trước Nửa Đêm")
    person = await a_patient(hospital, name="Trần Sau Nửa Đêm")
    young = await a_visit(hospital, now=AFTER_MIDNIGHT, patient_id=person.id, payer=Payer.BHYT)
    assert young.ticket
    assert young.ticket.number == 1  # Numbers begin anew.
    names = [line.name for line in (await queue_of(hospital, "PK1", now=AFTER_MIDNIGHT)).lines]
    assert names == ["Nguyễn Trước Nửa Đêm", "Trần Sau Nửa Đêm"]
    called = await call_next(hospital, "PK1", actor=DOCTOR, now=AFTER_MIDNIGHT)
    assert called.day == local_day(BEFORE_MIDNIGHT)
    board = await board_of(hospital, "A", now=AFTER_MIDNIGHT)
    assert board.newest
    assert (board.newest.number, board.rooms[0].next_numbers) == (called.number, [1])


async def test_an_exam_goes_on_over_midnight_and_stays_on_the_list_until_it_ends(
    hospital: AsyncSession,
) -> None:
    visit = await a_night_visit(hospital, "Nguyễn Đang Khám")
    await start_visit(hospital, visit.id, actor=DOCTOR, now=BEFORE_MIDNIGHT)
    tomorrow = AFTER_MIDNIGHT + timedelta(days=1)
    assert [line.visit_id for line in (await queue_of(hospital, "PK1", now=tomorrow)).lines] == [visit.id]
    await end_visit(hospital, visit.id, Outcome.HOME, actor=DOCTOR, now=tomorrow)
    assert (await queue_of(hospital, "PK1", now=tomorrow)).lines == []


async def test_who_never_came_leaves_the_queue_and_may_come_another_day(hospital: AsyncSession) -> None:
    visit = await a_night_visit(hospital, "Nguyễn Không Đến")
    noon = AFTER_MIDNIGHT + CARRIED
    assert (await queue_of(hospital, "PK1", now=noon)).lines == []
    with pytest.raises(NobodyWaits):
        await call_next(hospital, "PK1", actor=DOCTOR, now=noon)
    again = await a_visit(hospital, now=noon, patient_id=visit.patient_id, payer=Payer.BHYT)
    assert again.ticket
    assert again.ticket.number == 1


async def test_a_second_number_for_one_room_is_refused_after_midnight_too(hospital: AsyncSession) -> None:
    visit = await a_night_visit(hospital, "Nguyễn Lấy Hai Số")
    with pytest.raises(AlreadyWaiting):
        await a_visit(hospital, now=AFTER_MIDNIGHT, patient_id=visit.patient_id, payer=Payer.BHYT)
