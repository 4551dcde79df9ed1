"""Cho nợ on its page: who sees it, who may, what it needs, what it lets go."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.views import VisitView
from emr.orders.models import Order
from emr.places.models import Duty
from kernel.clock import local_day, utc_now
from kernel.ids import new_id
from kernel.staff.api import Actor, Role
from tests.conftest import SignedIn
from tests.emr.builders import a_hospital, a_visit


@pytest.fixture
async def visit(session: AsyncSession) -> VisitView:
    """A self-paying visit whose exam waits for the till."""
    await a_hospital(session)
    return await a_visit(session, now=utc_now())


async def on_duty(session: AsyncSession, actor: Actor) -> None:
    now = utc_now()
    turn = {
        "id": new_id(),
        "day": local_day(now),
        "kind": "LEADER",
        "department_code": "K01",
        "staff_id": actor.id,
        "starts_at": now - timedelta(hours=1),
        "ends_at": now + timedelta(hours=8),
    }
    await session.execute(insert(Duty).values(turn))


async def test_the_leader_on_duty_lets_somebody_go_on(
    client: httpx.AsyncClient, signed_in: SignedIn, session: AsyncSession, visit: VisitView
) -> None:
    await on_duty(session, await signed_in(Role.DIRECTOR, name="Lý Giám Đốc"))
    page = await client.get("/credits")
    assert "Khám Nội" in page.text
    address = f"/credits/{visit.episode_id}"
    refused = await client.post(address, data={"reason": " "})
    assert (refused.status_code, "Ghi lý do cho nợ" in refused.text) == (422, True)
    assert (await client.post(address, data={"reason": "Người nhà chưa đến kịp"})).status_code == 303
    after = await client.get("/credits")
    assert "Không ai bị giữ lại" in after.text
    assert "Người nhà chưa đến kịp" in after.text
    order = (await session.scalars(select(Order).execution_options(populate_existing=True))).one()
    assert (order.state, order.released_by) == ("RELEASED", "CREDIT")


async def test_a_leader_off_duty_only_looks(
    client: httpx.AsyncClient, signed_in: SignedIn, visit: VisitView
) -> None:
    await signed_in(Role.HEAD)
    assert "Bạn không phải trực lãnh đạo lúc này" in (await client.get("/credits")).text
    refused = await client.post(f"/credits/{visit.episode_id}", data={"reason": "Người nhà chưa đến"})
    assert (refused.status_code, "Chỉ trực lãnh đạo" in refused.text) == (422, True)


async def test_a_cashier_gives_no_credit(
    client: httpx.AsyncClient, signed_in: SignedIn, visit: VisitView
) -> None:
    await signed_in(Role.CASHIER)
    assert (await client.get("/credits")).status_code == 403
