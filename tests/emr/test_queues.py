"""Numbers and calls."""

import asyncio
from itertools import product
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.rules import Payer, QueuePriority
from emr.episodes.views import TicketView
from emr.places.service import NoSuchRoom
from emr.queues.rules import NEXT, TicketState, may_move
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
    queue = await queue_of(hospital, "PK1", day=TODAY)
    assert [(line.number, line.name, line.ready) for line in queue.lines] == [(1, "Nguyễn Một", True)]


async def test_the_board_masks_names(hospital: AsyncSession) -> None:
    await a_waiting(hospital, "Nguyễn Thị Thu Hà")
    await a_waiting(hospital, "Trần Văn Sau")
    await call_next(hospital, "PK1", actor=DOCTOR, now=NOW)
    board = await board_of(hospital, "A", day=TODAY)
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
