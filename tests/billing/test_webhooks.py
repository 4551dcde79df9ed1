import json
import time

import httpx
import pytest
from msgspec.structs import replace
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.notices.models import BankTransaction, Notice
from billing.requests.rules import RequestState
from billing.requests.service import get_request
from hospital.settings import Settings
from kernel.db import Sessions
from tests.billing.builders import SETTINGS, a_request, an_episode, sepay_body, signed


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, billing=SETTINGS)


async def count(sessions: Sessions, table: type[Notice] | type[BankTransaction]) -> int:
    async with sessions.begin() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def post(client: httpx.AsyncClient, raw: bytes, headers: dict[str, str]) -> httpx.Response:
    return await client.post("/webhooks/sepay", content=raw, headers=headers)


async def test_a_signed_notice_pays_the_request(
    client: httpx.AsyncClient, session: AsyncSession, sessions: Sessions
) -> None:
    request = await a_request(session, await an_episode(session))
    await session.commit()
    raw = sepay_body(150_000, request.reference)
    answer = await post(client, raw, signed(raw))
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    async with sessions.begin() as fresh:
        assert (await get_request(fresh, request.id)).state is RequestState.PAID


async def test_a_forged_notice_is_refused_kept_and_moves_nothing(
    client: httpx.AsyncClient, sessions: Sessions
) -> None:
    raw = sepay_body(150_000, "VP10000077746")
    answer = await post(client, raw, signed(raw, secret="wrong"))
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/notice-forged"
    assert (await count(sessions, Notice), await count(sessions, BankTransaction)) == (1, 0)


@pytest.mark.parametrize("age", [-400, 400])
async def test_an_old_notice_is_refused(client: httpx.AsyncClient, age: int) -> None:
    raw = sepay_body(150_000, "x")
    assert (await post(client, raw, signed(raw, at=time.time() - age))).status_code == 401


async def test_a_notice_without_a_signature_is_refused(client: httpx.AsyncClient) -> None:
    assert (await post(client, sepay_body(1, "x"), {})).status_code == 401


async def test_a_notice_that_is_no_money_is_kept(client: httpx.AsyncClient, sessions: Sessions) -> None:
    raw = sepay_body(0, "x", transferAmount="500.000,5")
    assert (await post(client, raw, signed(raw))).status_code == 422
    async with sessions.begin() as session:
        notice = (await session.scalars(select(Notice))).one()
    assert (notice.raw, bool(notice.verdict)) == (raw, True)


async def test_the_same_notice_twice_is_answered_twice_and_counted_once(
    client: httpx.AsyncClient, session: AsyncSession, sessions: Sessions
) -> None:
    request = await a_request(session, await an_episode(session))
    await session.commit()
    raw = sepay_body(150_000, request.reference)
    for _ in range(2):
        assert (await post(client, raw, signed(raw))).status_code == 200
    assert (await count(sessions, Notice), await count(sessions, BankTransaction)) == (2, 1)
    async with sessions.begin() as fresh:
        assert (await get_request(fresh, request.id)).excess == 0


async def test_a_known_id_with_other_money_is_a_conflict(client: httpx.AsyncClient) -> None:
    for amount, status in ((1_000, 200), (2_000, 409)):
        raw = sepay_body(amount, "x", id=5)
        assert (await post(client, raw, signed(raw))).status_code == status


async def test_other_doors_are_shut(client: httpx.AsyncClient) -> None:
    answer = await client.post("/webhooks/nobody", content=b"{}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    raw = json.dumps({"id": 1, "pad": "x" * 70_000}).encode()
    assert (await post(client, raw, signed(raw))).status_code in {413, 422}
