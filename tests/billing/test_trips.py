"""How many statements a payment takes: each is a trip to the database while a person waits at the till."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from billing.requests.rules import RequestState
from billing.requests.service import get_request
from billing.webhooks.service import match_at_once, take_notice
from kernel.clock import utc_now
from kernel.statements import Statement
from tests.billing.builders import SETTINGS, a_delivery, a_request, an_episode
from tests.conftest import RealDatabase

CLICK, NOTICE, MATCH = 4, 4, 13


@pytest.fixture
def trips(real_database: tuple[str, AsyncEngine], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every statement, kept or the session's own; BEGIN and COMMIT apart."""
    made: list[str] = []
    run, engine = Statement._run, real_database[1].sync_engine

    async def counted(self: Statement, *arguments: Any, **named: Any) -> Any:
        made.append(self._compiled.sql)
        return await run(self, *arguments, **named)

    def count(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        made.append(sql)

    monkeypatch.setattr(Statement, "_run", counted)
    event.listen(engine, "before_cursor_execute", count)
    yield made
    event.remove(engine, "before_cursor_execute", count)


async def test_a_payment_takes_few_statements(real_db: RealDatabase, trips: list[str]) -> None:
    async with real_db.sessions.begin() as session:
        episode = await an_episode(session)
    trips.clear()
    async with real_db.sessions.begin() as session:
        request = await a_request(session, episode)
    assert len(trips) == CLICK, trips
    trips.clear()
    delivery = a_delivery(150_000, request.reference)
    result = await take_notice(real_db.sessions, delivery, settings=SETTINGS, now=utc_now())
    assert result.transaction_id is not None
    assert len(trips) == NOTICE, trips
    trips.clear()
    await match_at_once(real_db.sessions, result.transaction_id, settings=SETTINGS)
    assert len(trips) == MATCH, trips
    async with real_db.sessions.begin() as session:
        assert (await get_request(session, request.id)).state is RequestState.PAID
