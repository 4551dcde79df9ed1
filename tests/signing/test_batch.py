"""A batch: requests side by side, no transaction open meanwhile, a handful of statements, one certificate throughout.

Figures are of the processor or ratios of one run, so that a busy machine changes nothing.
"""

import asyncio
import gc
import time
from asyncio import base_events
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncEngine

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.outbox.registry import known_kinds
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.api import SignState, WrongPin, sign_documents
from signing.archive.service import LIFT
from signing.certificates.models import Certificate
from signing.documents.models import Document, Signature
from signing.tasks.finish import JUDGE
from tests.conftest import RealDatabase
from tests.signing.holders import PIN
from tests.signing.hospital import (
    TSA,
    a_document,
    authority_client,
    give_certificate,
    with_authority,
)

DELAY_SECONDS, NOTES = 0.04, 60
LONGEST_CPU_SECONDS = 0.03


class Desk:
    """A doctor on a database with real commits, and an authority that watches what is open while it is asked."""

    def __init__(self, services: Services, actor: Actor, authority: "Watching") -> None:
        self.services, self.actor, self.authority = services, actor, authority

    async def documents(self, count: int) -> list[Document]:
        views = [await a_document(self.services, self.actor) for _ in range(count)]
        async with self.services.sessions() as session:
            found = await session.scalars(select(Document).where(Document.id.in_([v.id for v in views])))
            return list(found)


class Watching(httpx.AsyncBaseTransport):
    """Answers as the authority does, holding each request until several wait, and notes what the database had open."""

    def __init__(self, inner: httpx.AsyncClient, engine: AsyncEngine) -> None:
        self.inner, self.engine = inner, engine
        self.at_once = self.most = self.open_meanwhile = 0
        self.wanted = 1

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if str(request.url) != TSA:
            return await self._pass_on(request)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        for _ in range(2000):
            if self.most >= self.wanted:
                break
            await asyncio.sleep(0)
        self.open_meanwhile = max(self.open_meanwhile, self.engine.pool.checkedout())  # type: ignore[attr-defined]  # a queue pool
        try:
            return await self._pass_on(request)
        finally:
            self.at_once -= 1

    async def _pass_on(self, request: httpx.Request) -> httpx.Response:
        content = await request.aread()
        answer = await self.inner.request(
            request.method, request.url, content=content, headers=request.headers
        )
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)


@pytest.fixture
async def desk(
    real_db: RealDatabase,
    real_database: tuple[str, AsyncEngine],
    pki: DemoPki,
    settings: Settings,
) -> AsyncIterator[Desk]:
    async with authority_client(pki) as inner:
        watching = Watching(inner, real_database[1])
        async with httpx.AsyncClient(transport=watching) as http:
            services = with_authority(real_db.services, http)
            actor = await real_db.sign_in(Role.DOCTOR, name="Nguyễn Thị Hương")
            await give_certificate(services.sessions, settings, pki, actor)
            yield Desk(services, actor, watching)


async def sign_all(desk: Desk, documents: list[Document]) -> None:
    ids = [document.id for document in documents]
    results = await sign_documents(desk.services, desk.actor, ids, PIN, utc_now())
    assert [(result.state, result.warning) for result in results] == [(SignState.SIGNED, "")] * len(ids)


async def test_stamps_are_asked_for_side_by_side_and_no_transaction_waits_for_them(desk: Desk) -> None:
    documents = await desk.documents(8)
    desk.authority.wanted = 8
    await sign_all(desk, documents)
    assert desk.authority.most == 8
    assert desk.authority.open_meanwhile == 0


async def test_more_documents_cost_hardly_more_statements(
    desk: Desk, real_database: tuple[str, AsyncEngine]
) -> None:
    counts = []
    statements = 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    event.listen(real_database[1].sync_engine, "before_cursor_execute", count)
    await sign_all(desk, await desk.documents(2))
    for size in (5, 20):
        documents = await desk.documents(size)
        statements = 0
        await sign_all(desk, documents)
        counts.append(statements)
    assert counts[1] - counts[0] <= 4, counts
    assert counts[1] <= 40, counts


async def test_a_wrong_pin_stops_after_one_try(desk: Desk) -> None:
    documents = await desk.documents(5)
    with pytest.raises(WrongPin, match="Còn 4 lần"):
        await sign_documents(desk.services, desk.actor, [d.id for d in documents], "000000", utc_now())
    async with desk.services.sessions() as session:
        assert not (await session.scalars(select(Signature.id))).all()
    await sign_all(desk, documents)


async def test_the_certificate_of_a_batch_is_one_even_if_it_is_replaced_meanwhile(
    desk: Desk, settings: Settings, pki: DemoPki
) -> None:
    documents = await desk.documents(6)
    async with desk.services.sessions() as session:
        first = (await session.scalars(select(Certificate.id))).one()
    replaced = asyncio.Event()

    async def replace_it() -> None:
        while desk.authority.most < 3:
            await asyncio.sleep(0)
        await give_certificate(desk.services.sessions, settings, pki, desk.actor)
        replaced.set()
        desk.authority.wanted = 1

    desk.authority.wanted = 1_000  # Holds every request until the certificate was replaced.
    change = asyncio.create_task(replace_it())
    await sign_all(desk, documents)
    await change
    assert replaced.is_set()
    async with desk.services.sessions() as session:
        used = set(await session.scalars(select(Signature.certificate_id)))
    assert used == {first}


class FarAway(httpx.AsyncBaseTransport):
    """Puts the authority some way off and notes when each request for a stamp was on its way."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.trips: list[tuple[float, float]] = []
        self.heavy_work_waits: set[bool] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if str(request.url) != TSA:
            return await self._desk.authority.handle_async_request(request)
        start = time.perf_counter()
        await asyncio.sleep(DELAY_SECONDS)
        self.heavy_work_waits.add(self._desk.services.giving_way.asked())
        answer = await self._desk.authority.handle_async_request(request)
        self.trips.append((start, time.perf_counter()))
        return answer


async def sign_far_away(desk: Desk, count: int) -> FarAway:
    far, documents = FarAway(desk), await desk.documents(count)
    async with httpx.AsyncClient(transport=far) as http:
        served = with_authority(desk.services, http)
        await sign_all(Desk(served, desk.actor, desk.authority), documents)
    return far


async def test_stamps_of_a_batch_take_much_less_than_the_sum_of_their_waits(desk: Desk) -> None:
    far = await sign_far_away(desk, NOTES)
    waited = sum(end - start for start, end in far.trips)
    assert len(far.trips) == NOTES
    assert waited >= NOTES * DELAY_SECONDS
    assert max(end for _, end in far.trips) - min(start for start, _ in far.trips) < waited / 3


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """How long each round of the event loop kept the processor, s: nobody else is served meanwhile."""
    spent: list[float] = []
    run_once = base_events.BaseEventLoop._run_once  # type: ignore[attr-defined]  # asyncio's own

    def measured(loop: Any) -> None:
        start = time.thread_time()
        run_once(loop)
        spent.append(time.thread_time() - start)

    monkeypatch.setattr(base_events.BaseEventLoop, "_run_once", measured)
    gc.collect()
    gc.freeze()  # As the server does.
    yield spent
    gc.unfreeze()


async def test_no_round_of_the_event_loop_is_long_during_a_batch(desk: Desk, rounds: list[float]) -> None:
    await sign_far_away(desk, 2)
    documents = await desk.documents(NOTES)
    rounds.clear()
    await sign_all(desk, documents)
    assert len(rounds) > 2 * NOTES
    assert max(rounds) < LONGEST_CPU_SECONDS, sorted(rounds)[-5:]


async def test_heavy_jobs_are_not_started_while_a_batch_is_under_way(desk: Desk) -> None:
    far = await sign_far_away(desk, 3)
    assert far.heavy_work_waits == {True}
    assert not desk.services.giving_way.asked()
    giving_way = set(known_kinds()) - set(known_kinds(at_once=True))
    assert {LIFT, JUDGE, "emr.mark_sheet_signed"} <= giving_way
