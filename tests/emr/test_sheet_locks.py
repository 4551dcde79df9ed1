"""A completed sheet and every child of it are locked; two people at once lose nothing."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from emr.orders.service import place_orders
from emr.orders.views import OrderLine, PlaceOrders
from emr.sheets.completion import complete_sheet
from emr.sheets.service import SheetLocked, StaleDraft, cancel_draft, save_draft
from emr.sheets.views import CompleteSheet, SaveDraft, SheetView
from kernel.ids import new_id
from kernel.problems import Problem
from kernel.services import Services
from tests.conftest import RealDatabase
from tests.emr.builders import DOCTOR, LATER, NOW, a_hospital, a_visit
from tests.emr.sheet_acts import a_draft, an_account, completed, run


async def locked_sheet(records: AsyncSession, services: Services) -> SheetView:
    sheet = await completed(services, await a_draft(records))
    records.expire_all()
    return sheet


async def test_a_completed_sheet_refuses_every_change_in_the_domain(
    records: AsyncSession, services: Services
) -> None:
    sheet = await locked_sheet(records, services)
    with pytest.raises(SheetLocked):
        await save_draft(records, SaveDraft(sheet.id, sheet.revision, {}), actor=DOCTOR, now=LATER)
    with pytest.raises(SheetLocked):
        await cancel_draft(records, sheet.id, actor=DOCTOR, now=LATER)
    with pytest.raises(SheetLocked):
        await completed(services, sheet)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE emr_sheet SET data = '{}' WHERE id = :id",
        "UPDATE emr_sheet SET state = 'DRAFT', document_id = NULL WHERE id = :id",
        "UPDATE emr_sheet SET sha256 = repeat('0', 64) WHERE id = :id",
        "UPDATE emr_sheet SET completed_name = 'x' WHERE id = :id",
        "DELETE FROM emr_sheet WHERE id = :id",
        "UPDATE emr_sheet_diagnosis SET code = 'A00' WHERE sheet_id = :id",
        "DELETE FROM emr_sheet_diagnosis WHERE sheet_id = :id",
        "INSERT INTO emr_sheet_diagnosis SELECT :id, 99, visit_id, 'OTHER', 'A00', 'x' FROM emr_sheet WHERE id = :id",
    ],
)
async def test_a_completed_sheet_refuses_every_change_in_the_database(
    records: AsyncSession, services: Services, statement: str
) -> None:
    sheet = await locked_sheet(records, services)
    with pytest.raises(DBAPIError, match=r"locked|never deleted|permission denied|completed"):
        async with records.begin_nested():
            await run(records, statement, id=sheet.id)


async def test_a_completed_request_locks_what_it_says_of_its_orders_but_not_their_way(
    records: AsyncSession, services: Services
) -> None:
    visit = await a_visit(records)
    line = OrderLine(new_id(), "XN01")
    await place_orders(records, PlaceOrders(visit.id, [line]), actor=DOCTOR, now=NOW)
    await completed(services, await a_draft(records, "PCD", visit_id=visit.id))
    for change in ("quantity = 2", "service_name = 'x'", "note = 'x'", "on_demand = NOT on_demand"):
        with pytest.raises(DBAPIError, match="locked by its sheet"):
            async with records.begin_nested():
                await run(records, f"UPDATE emr_order SET {change} WHERE id = :id", id=line.id)
    moved = (
        "UPDATE emr_order SET state = 'RELEASED', released_at = now(), released_by = 'RULE' WHERE id = :id"
    )
    assert await run(records, moved, id=line.id) == 1


async def test_two_people_completing_at_once_make_one_document(real_db: RealDatabase) -> None:
    async with real_db.sessions.begin() as session:
        await a_hospital(session)
        await an_account(session, DOCTOR)
        draft = await a_draft(session)
    one = CompleteSheet(draft.revision)
    results = await asyncio.gather(
        *(complete_sheet(real_db.services, draft.id, one, actor=DOCTOR, now=LATER) for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, SheetView) for result in results) == 1
    assert all(isinstance(result, SheetView | Problem) for result in results)
    async with real_db.sessions() as session:
        count = await session.scalar(text("SELECT count(*) FROM signing_document WHERE kind = 'PKB'"))
    assert count == 1


async def test_two_screens_saving_at_once_lose_no_words(real_db: RealDatabase) -> None:
    async with real_db.sessions.begin() as session:
        await a_hospital(session)
        await an_account(session, DOCTOR)
        draft = await a_draft(session)

    async def save(words: str) -> bool:
        command = SaveDraft(draft.id, draft.revision, draft.data | {"toan_than": words})
        try:
            async with real_db.sessions.begin() as session:
                await save_draft(session, command, actor=DOCTOR, now=LATER)
        except StaleDraft:
            return False
        return True

    assert sorted(await asyncio.gather(*(save(f"Bản {n}") for n in range(5)))) == [False] * 4 + [True]
