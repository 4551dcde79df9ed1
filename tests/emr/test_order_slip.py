"""The order slip is signed when the orders are placed; what is ordered later gets a slip of its own."""

from uuid import UUID

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import OrderLine, PlaceOrders, place_orders
from emr.sheets.rules import SheetState
from emr.sheets.service import InvalidSheet, get_sheet
from emr.workbench.desk import open_desk
from emr.workbench.finish import NothingOrdered, plan_ending, slips_of, write_order_slip
from kernel.ids import new_id
from kernel.services import Services
from kernel.staff.api import Role
from tests.conftest import SignedIn
from tests.emr.builders import DOCTOR, LATER, NOW
from tests.emr.sheet_acts import SETTINGS, signed
from tests.emr.test_workbench_desk import a_started_visit, save

NOTED = (("dx.0.code", "F41.1"), ("dx.0.name", "Rối loạn lo âu lan tỏa"))


async def ordered(session: AsyncSession, visit_id: UUID, code: str) -> UUID:
    line = OrderLine(new_id(), code)
    await place_orders(session, PlaceOrders(visit_id, [line]), actor=DOCTOR, now=NOW)
    return line.id


@pytest.fixture
async def visit_id(records: AsyncSession) -> UUID:
    """A visit in progress with a diagnosis and one order."""
    visit = await a_started_visit(records)
    await open_desk(records, visit.id, actor=DOCTOR, now=NOW, settings=SETTINGS)
    await save(records, visit.id, *NOTED)
    await ordered(records, visit.id, "XN01")
    return visit.id


async def test_the_slip_is_ready_to_sign_while_the_visit_goes_on(
    records: AsyncSession, services: Services, visit_id: UUID
) -> None:
    document = await write_order_slip(services, visit_id, actor=DOCTOR, now=NOW)
    (slip,) = await slips_of(records, visit_id)
    assert (slip.document_id, slip.state) == (document, SheetState.COMPLETED)
    assert await write_order_slip(services, visit_id, actor=DOCTOR, now=LATER) == document


async def test_what_is_ordered_later_gets_a_slip_of_its_own(
    records: AsyncSession, services: Services, visit_id: UUID
) -> None:
    first = await write_order_slip(services, visit_id, actor=DOCTOR, now=NOW)
    (slip,) = await slips_of(records, visit_id)
    await signed(services, await get_sheet(records, slip.id, now=NOW))
    with pytest.raises(NothingOrdered):
        await write_order_slip(services, visit_id, actor=DOCTOR, now=NOW)
    await ordered(records, visit_id, "XN02")
    ending = await plan_ending(records, visit_id, actor=DOCTOR, now=NOW, settings=services.settings)
    assert "Phiếu chỉ định" in [paper.title for paper in ending.papers]
    second = await write_order_slip(services, visit_id, actor=DOCTOR, now=LATER)
    assert second != first
    assert len(await slips_of(records, visit_id)) == 2


async def test_a_slip_needs_a_diagnosis(records: AsyncSession, services: Services) -> None:
    visit = await a_started_visit(records)
    await ordered(records, visit.id, "XN01")
    with pytest.raises(InvalidSheet):
        await write_order_slip(services, visit.id, actor=DOCTOR, now=NOW)


async def test_the_desk_asks_for_the_signature_at_once(
    client: httpx.AsyncClient, signed_in: SignedIn, visit_id: UUID
) -> None:
    await signed_in(Role.DOCTOR)
    assert "Ký phiếu chỉ định" in (await client.get(f"/workbench/visits/{visit_id}/orders")).text
    answer = await client.post(f"/workbench/visits/{visit_id}/order-slip")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign/confirm?d=")
    asked = await client.get(answer.headers["location"])
    assert "Phiếu chỉ định" in asked.text


async def test_the_desk_tells_what_the_slip_lacks(
    client: httpx.AsyncClient, signed_in: SignedIn, records: AsyncSession
) -> None:
    visit = await a_started_visit(records)
    await ordered(records, visit.id, "XN01")
    await signed_in(Role.DOCTOR)
    answer = await client.post(f"/workbench/visits/{visit.id}/order-slip")
    assert "cần chẩn đoán sơ bộ" in answer.text
    assert answer.headers["hx-retarget"] == "#orders"
