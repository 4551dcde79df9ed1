"""A batch: requests side by side, no transaction open meanwhile, a handful of statements, one certificate throughout."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncEngine

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.api import SignState, WrongPin, sign_documents
from signing.certificates.models import Certificate
from signing.documents.models import Document, Signature
from tests.conftest import RealDatabase
from tests.signing.holders import PIN
from tests.signing.hospital import (
    TSA,
    a_document,
    authority_client,
    give_certificate,
    with_authority,
)


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
