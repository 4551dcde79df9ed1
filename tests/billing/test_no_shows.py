"""Who took a number and never came: closed by the sweep unless something of the visit is kept, money or record."""

from datetime import timedelta

import pytest

from billing.absences.service import close_no_show, visits_to_close
from billing.handlers import sweep_no_shows
from billing.till.service import work_list
from billing.webhooks.service import match_at_once, take_notice
from emr.api import Payer, TakeVitals, VisitView, get_visit, start_visit, take_vitals
from kernel.audit.api import Action, entries_of_subject
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.outbox.api import Job
from kernel.staff.api import SYSTEM, Role
from tests.billing.builders import SETTINGS, a_delivery, a_request, some_prices
from tests.billing.test_episodes import pay, work
from tests.conftest import RealDatabase
from tests.emr.builders import DOCTOR, a_hospital, a_visit

EARLIER = timedelta(hours=36)
"""An earlier day, whatever the clock says now, and longer ago than a number is waited for."""


async def an_old_visit(db: RealDatabase, payer: Payer = Payer.SELF_PAY) -> VisitView:
    async with db.sessions.begin() as session:
        await a_hospital(session)
        await some_prices(session)
        visit = await a_visit(session, now=utc_now() - EARLIER, payer=payer)
    await work(db)
    return visit


async def sweep(db: RealDatabase) -> None:
    async with db.sessions.begin() as session:
        services = db.app.state.services
        await sweep_no_shows(Job("billing.sweep_no_shows", 1, utc_now(), services, open_session=session))
    await work(db)


async def state_of(db: RealDatabase, visit: VisitView) -> str:
    async with db.sessions() as session:
        return (await get_visit(session, visit.id)).state.value


async def due_rows(db: RealDatabase) -> list[tuple[int, bool]]:
    async with db.sessions() as session:
        return [(row.due, row.absent) for row in await work_list(session, now=utc_now())]


@pytest.mark.parametrize("payer", [Payer.SELF_PAY, Payer.BHYT])
async def test_a_visit_nobody_came_to_leaves_the_till_overnight(real_db: RealDatabase, payer: Payer) -> None:
    visit = await an_old_visit(real_db, payer)
    await sweep(real_db)
    assert (await state_of(real_db, visit), await due_rows(real_db)) == ("CANCELLED", [])
    async with real_db.sessions() as session:
        [entry, *_] = await entries_of_subject(session, f"emr.visit:{visit.id}")
        assert (entry.action, entry.actor_id, entry.reason) == (
            Action.VOID,
            SYSTEM.id,
            "Người bệnh không đến khám.",
        )


async def test_todays_numbers_are_waited_for(real_db: RealDatabase) -> None:
    old = await an_old_visit(real_db)
    async with real_db.sessions.begin() as session:
        today = await a_visit(session, now=utc_now())
    await work(real_db)
    await sweep(real_db)
    assert (await state_of(real_db, old), await state_of(real_db, today)) == ("CANCELLED", "WAITING")
    assert await due_rows(real_db) == [(150_000, False)]


async def test_who_paid_and_did_not_come_stays_and_the_till_says_so(real_db: RealDatabase) -> None:
    visit = await an_old_visit(real_db)
    await pay(real_db, visit.episode_id)
    await sweep(real_db)
    assert (await state_of(real_db, visit), await due_rows(real_db)) == ("WAITING", [(0, True)])
    await real_db.sign_in(Role.CASHIER)
    page = (await real_db.client.get("/till/list")).text
    assert "Đã nộp tiền, không đến khám" in page
    assert "Vắng mặt" in page


async def test_a_deposit_keeps_the_visit_although_it_still_owes(real_db: RealDatabase) -> None:
    visit = await an_old_visit(real_db)
    async with real_db.sessions.begin() as session:
        request = await a_request(session, visit.episode_id, deposit=20_000)
    await sweep(real_db)
    assert await state_of(real_db, visit) == "WAITING", "its code is being shown"
    notice = a_delivery(request.amount, request.reference)
    taken = await take_notice(real_db.sessions, notice, settings=SETTINGS, now=utc_now())
    assert taken.transaction_id
    await match_at_once(real_db.sessions, taken.transaction_id, settings=SETTINGS)
    await work(real_db)
    await sweep(real_db)
    assert (await state_of(real_db, visit), await due_rows(real_db)) == ("WAITING", [(130_000, True)])


async def test_money_of_another_visit_of_the_day_keeps_none_open(real_db: RealDatabase) -> None:
    seen = await an_old_visit(real_db)
    await pay(real_db, seen.episode_id)
    async with real_db.sessions.begin() as session:
        await start_visit(session, seen.id, actor=DOCTOR, now=utc_now() - EARLIER)
        other = await a_visit(session, now=utc_now() - EARLIER, patient_id=seen.patient_id, room="PK2")
    await work(real_db)
    await sweep(real_db)
    assert (await state_of(real_db, seen), await state_of(real_db, other)) == ("IN_PROGRESS", "CANCELLED")


async def test_what_was_measured_is_left_to_people(real_db: RealDatabase) -> None:
    visit = await an_old_visit(real_db)
    async with real_db.sessions.begin() as session:
        await take_vitals(
            session, TakeVitals(id=new_id(), visit_id=visit.id, pulse=80), actor=DOCTOR, now=utc_now()
        )
    await sweep(real_db)
    assert (await state_of(real_db, visit), await due_rows(real_db)) == ("WAITING", [(150_000, False)])


async def test_who_comes_after_all_is_not_sent_away(real_db: RealDatabase) -> None:
    visit = await an_old_visit(real_db, Payer.BHYT)
    async with real_db.sessions() as session:
        [payload] = await visits_to_close(session, now=utc_now())
    async with real_db.sessions.begin() as session:
        await start_visit(session, visit.id, actor=DOCTOR, now=utc_now())
    async with real_db.sessions.begin() as session:
        assert not await close_no_show(session, payload, now=utc_now())
    assert await state_of(real_db, visit) == "IN_PROGRESS"
