"""The duty roster: one leader at a time, nobody twice, what began stays."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from emr.places.models import Department, Duty
from emr.places.roster import (
    AddDuty,
    DutyBegun,
    DutyRefused,
    DutyTaken,
    NoSuchDuty,
    add_duty,
    remove_duty,
    roster,
)
from emr.places.service import NoSuchDepartment, is_leader_on_duty
from kernel.clock import local_day, utc_now
from kernel.ids import new_id
from kernel.staff.api import SYSTEM, Actor, Role
from tests.conftest import SignedIn

NOW = utc_now().replace(minute=0, second=0, microsecond=0)


@pytest.fixture
async def office(session: AsyncSession) -> None:
    session.add(Department(code="P02", name="KHTH", kind="OFFICE", insurance_code="", active=True))
    await session.flush()


def a_turn(actor: Actor, *, kind: str = "LEADER", after: int = 24, hours: int = 24) -> AddDuty:
    starts = NOW + timedelta(hours=after)
    return AddDuty(new_id(), kind, "P02", actor.id, starts, starts + timedelta(hours=hours))


async def test_a_turn_is_written_once_and_read_back(
    session: AsyncSession, signed_in: SignedIn, office: None
) -> None:
    leader = await signed_in(Role.DIRECTOR)
    command = a_turn(leader, after=-1)
    first = await add_duty(session, command, actor=SYSTEM)
    assert await add_duty(session, command, actor=SYSTEM) == first
    assert await roster(session, first.day, first.day) == [first]
    assert await is_leader_on_duty(session, leader.id, at=NOW)
    assert not await is_leader_on_duty(session, leader.id, at=NOW + timedelta(hours=30))


async def test_refused_turns(session: AsyncSession, signed_in: SignedIn, office: None) -> None:
    leader, cashier = await signed_in(Role.DIRECTOR), await signed_in(Role.CASHIER)
    other = await signed_in(Role.HEAD)
    await add_duty(session, a_turn(leader), actor=SYSTEM)
    for wrong, problem in (
        (a_turn(cashier), DutyRefused),
        (a_turn(leader, kind="GUARD"), DutyRefused),
        (a_turn(leader, hours=0), DutyRefused),
        (a_turn(leader, hours=49), DutyRefused),
        (a_turn(leader, after=30), DutyTaken),
        (a_turn(other, after=30), DutyTaken),
    ):
        with pytest.raises(problem):
            await add_duty(session, wrong, actor=SYSTEM)
    elsewhere = AddDuty(new_id(), "LEADER", "K99", leader.id, NOW, NOW + timedelta(hours=1))
    with pytest.raises(NoSuchDepartment):
        await add_duty(session, elsewhere, actor=SYSTEM)


async def test_a_turn_that_began_stays(session: AsyncSession, signed_in: SignedIn, office: None) -> None:
    leader = await signed_in(Role.DIRECTOR)
    begun = await add_duty(session, a_turn(leader, after=-1, hours=2), actor=SYSTEM)
    coming = await add_duty(session, a_turn(leader), actor=SYSTEM)
    with pytest.raises(DutyBegun):
        await remove_duty(session, begun.id, actor=SYSTEM, now=NOW)
    await remove_duty(session, coming.id, actor=SYSTEM, now=NOW)
    with pytest.raises(NoSuchDuty):
        await remove_duty(session, coming.id, actor=SYSTEM, now=NOW)
    assert (await session.scalars(select(Duty.id))).all() == [begun.id]


async def test_the_page_is_planned_by_heads_and_read_by_the_ward(
    client: httpx.AsyncClient, signed_in: SignedIn, session: AsyncSession, office: None
) -> None:
    await signed_in(Role.CASHIER)
    assert (await client.get("/duty")).status_code == 403
    nurse = await signed_in(Role.NURSE)
    page = await client.get("/duty")
    assert page.status_code == 200
    assert "Thêm ca trực" not in page.text
    day = local_day(NOW + timedelta(days=1))
    form = {
        "id": str(new_id()),
        "kind": "NURSE",
        "staff_id": str(nurse.id),
        "department": "P02",
        "day": f"{day:%d/%m/%Y}",
        "starts": "17:00",
        "ends": "07:00",
    }
    assert (await client.post("/duty", data=form)).status_code == 403
    await signed_in(Role.HEAD)
    for wrong in ({"starts": "sáng"}, {"staff_id": ""}, {"kind": "LEADER"}):
        assert (await client.post("/duty", data={**form, **wrong})).status_code == 422
    answer = await client.post("/duty", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/duty?day={day.isoformat()}")
    shown = (await client.get(answer.headers["location"])).text
    assert "Điều dưỡng trực" in shown
    assert "Bỏ" in shown
    kept = (await session.scalars(select(Duty))).one()
    assert kept.ends_at - kept.starts_at == timedelta(hours=14)
    gone = await client.post(f"/duty/{kept.id}/removal", data={"day": day.isoformat()})
    assert gone.status_code == 303
