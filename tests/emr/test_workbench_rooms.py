"""The doctor's rooms: a queue grouped by what is to be done, and calling the next person."""

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import Payer, QueuePriority, orders_of_visit, place_orders, start_visit
from emr.orders.service import release_orders
from emr.orders.views import OrderLine, PlaceOrders
from emr.queues.service import call_next
from emr.workbench.queue import queue_panel
from kernel.ids import new_id
from kernel.staff.api import Role
from tests.conftest import SignedIn
from tests.emr.builders import DOCTOR, LATER, NOW, a_visit

pytestmark = pytest.mark.usefixtures("hospital")


async def test_people_stand_where_they_are_needed(session: AsyncSession) -> None:
    unpaid = await a_visit(session)
    priority = await a_visit(session, payer=Payer.BHYT, priority=QueuePriority.PRIORITY)
    called = await a_visit(session, payer=Payer.BHYT, priority=QueuePriority.EMERGENCY)
    ticket = await call_next(session, "PK1", actor=DOCTOR, now=LATER)
    panel = await queue_panel(session, "PK1", now=LATER)
    assert ticket.visit_id == called.id
    assert [row.visit_id for row in panel.serving] == [called.id]
    assert panel.serving[0].called
    assert [(row.visit_id, row.mark) for row in panel.waiting] == [(priority.id, "Ưu tiên")]
    assert [row.visit_id for row in panel.unpaid] == [unpaid.id]
    assert panel.note == "1 chờ · lâu nhất 30′"


async def test_somebody_with_investigations_comes_back_with_their_count(session: AsyncSession) -> None:
    visit = await a_visit(session, payer=Payer.BHYT)
    await start_visit(session, visit.id, actor=DOCTOR, now=NOW)
    lines = [OrderLine(id=new_id(), service_code="XN01"), OrderLine(id=new_id(), service_code="TT01")]
    await place_orders(session, PlaceOrders(visit.id, lines), actor=DOCTOR, now=NOW)
    panel = await queue_panel(session, "PK1", now=LATER)
    assert [(row.done, row.total) for row in panel.back] == [(0, 2)]
    assert panel.serving == ()


async def test_an_empty_room_says_so(session: AsyncSession) -> None:
    panel = await queue_panel(session, "PK2", now=NOW)
    assert panel.is_empty
    assert panel.note == "Không có ai chờ"


async def test_a_paid_exam_joins_the_waiting(session: AsyncSession) -> None:
    visit = await a_visit(session)
    exam = (await orders_of_visit(session, visit.id))[0]
    await release_orders(session, [exam.id], now=LATER)
    panel = await queue_panel(session, "PK1", now=LATER)
    assert [row.visit_id for row in panel.waiting] == [visit.id]


async def test_the_room_is_remembered(
    client: httpx.AsyncClient, session: AsyncSession, signed_in: SignedIn
) -> None:
    await session.commit()
    await signed_in(Role.DOCTOR)
    chosen = await client.get("/workbench")
    assert "Phòng khám 1" in chosen.text
    page = await client.get("/workbench/rooms/PK2")
    assert (page.status_code, "Chưa có ai chờ" in page.text) == (200, True)
    again = await client.get("/workbench")
    assert again.headers["location"] == "/workbench/rooms/PK2"
    assert "set-cookie" not in (await client.get("/workbench/rooms/PK2")).headers  # The browser knows.
    assert "PK1" in (await client.get("/workbench/rooms/PK1")).headers["set-cookie"]


async def test_calling_nobody_stays_in_the_room(
    client: httpx.AsyncClient, session: AsyncSession, signed_in: SignedIn
) -> None:
    await session.commit()
    await signed_in(Role.DOCTOR)
    answer = await client.post("/workbench/rooms/PK1/call")
    assert answer.headers["location"] == "/workbench/rooms/PK1?nobody=true"
    page = await client.get(answer.headers["location"])
    assert "Chưa có ai để gọi" in page.text


async def test_only_doctors_come_in(client: httpx.AsyncClient, signed_in: SignedIn) -> None:
    await signed_in(Role.CASHIER)
    for path in ("/workbench", "/workbench/rooms/PK1", "/workbench/search/icd10?q=f41"):
        assert (await client.get(path)).status_code == 403, path


async def test_a_room_that_is_not_there(client: httpx.AsyncClient, signed_in: SignedIn) -> None:
    await signed_in(Role.DOCTOR)
    assert (await client.get("/workbench/rooms/XX")).status_code == 404


async def test_services_are_found_without_marks(
    client: httpx.AsyncClient, session: AsyncSession, signed_in: SignedIn
) -> None:
    await session.commit()
    await signed_in(Role.DOCTOR)
    found = await client.get("/workbench/search/services", params={"q": "glucose"})
    assert 'data-value="XN01"' in found.text
    exams = await client.get("/workbench/search/services", params={"q": "kham"})
    assert "Không thấy" in exams.text
