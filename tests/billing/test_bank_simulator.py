"""The demo's bank, in front of the real webhook."""

import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar
from msgspec.structs import replace
from sqlalchemy import func, select

from billing.api import draw_qr
from billing.notices.models import BankTransaction
from billing.requests.service import get_request
from billing.requests.views import RequestView
from hospital.demo.outside.bank import Bank, Mood, routes
from hospital.demo.outside.credentials import BANK_SECRET
from hospital.settings import Settings
from kernel.db import Sessions
from tests.billing.builders import SETTINGS, a_request, an_episode


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, billing=replace(SETTINGS, sepay_secret=BANK_SECRET))


@pytest.fixture
def street(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> httpx.AsyncClient:
    """A client of the bank; the bank's own calls reach the hospital of this test."""

    class Wire(httpx.AsyncClient):
        def __init__(self, **_: Any) -> None:
            super().__init__(transport=client._transport, base_url="http://test")

    state = Bank(webhook="http://test/webhooks/sepay", late_seconds=0.0)
    app = Litestar(routes(None, state), openapi_config=None)
    outside = httpx.AsyncClient(
        transport=httpx.ASGITransport(app),  # type: ignore[arg-type]  # Litestar types its scopes more narrowly
        base_url="http://bank",
    )
    monkeypatch.setattr("hospital.demo.outside.bank.httpx.AsyncClient", Wire)
    return outside


async def asked(sessions: Sessions) -> RequestView:
    async with sessions.begin() as session:
        return await a_request(session, await an_episode(session))


@pytest.mark.parametrize(
    ("mood", "statuses", "state", "transactions"),
    [
        (Mood.OK, [200], "PAID", 1),
        (Mood.DUPLICATE, [200, 200], "PAID", 1),
        (Mood.TWICE, [200, 200], "OVERPAID", 2),
        (Mood.WRONG_AMOUNT, [200], "UNDERPAID", 1),
        (Mood.WRONG_HMAC, [401], "PENDING", 0),
        (Mood.LATE, [], "PAID", 1),
        (Mood.NO_CONTENT, [200], "PENDING", 1),
        (Mood.DROP, [], "PENDING", 0),
    ],
)
async def test_each_mood_of_the_bank(
    street: httpx.AsyncClient,
    sessions: Sessions,
    mood: Mood,
    statuses: list[int],
    state: str,
    transactions: int,
) -> None:
    request = await asked(sessions)
    answer = await street.post("/outside/bank/transfers", json={"payload": request.payload, "mood": mood})
    assert answer.status_code == 201
    assert [sent["status"] for sent in answer.json()["sent"]] == statuses
    async with sessions.begin() as session:
        assert (await get_request(session, request.id)).state == state
        counted = await session.scalar(select(func.count()).select_from(BankTransaction))
    assert counted == transactions


async def test_the_bank_reads_a_pasted_code_or_a_picture_and_names_the_receiver(
    street: httpx.AsyncClient, sessions: Sessions, tmp_path: Path
) -> None:
    request = await asked(sessions)
    pasted = await street.post("/outside/bank/scan", files={"payload": (None, request.payload)})
    picture = ("qr.png", io.BytesIO(draw_qr(request.payload).png()), "image/png")
    photographed = await street.post("/outside/bank/scan", files={"payload": (None, ""), "picture": picture})
    for page in (pasted.text, photographed.text):
        for words in (
            "BENH VIEN DA KHOA VI DU",
            "Vietcombank",
            "150.000 ₫",
            request.reference,
            "BẢN CHẠY THỬ",
        ):
            assert words in page
    fields = {"payload": (None, request.payload), "mood": (None, "ok")}
    paid = await street.post("/outside/bank/pay", files=fields)
    assert "Đã chuyển" in paid.text


async def test_the_bank_refuses_what_is_no_code(street: httpx.AsyncClient) -> None:
    answer = await street.post("/outside/bank/scan", files={"payload": (None, "https://vi.du")})
    assert "không phải mã VietQR" in answer.text
    refused = await street.post("/outside/bank/transfers", json={"payload": "chào"})
    assert refused.status_code == 422
