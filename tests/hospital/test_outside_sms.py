"""The fake SMS gateway behaves, and misbehaves when told to."""

import httpx
import pytest
from litestar import Litestar

from hospital.demo.outside.sms import Gateway, gateway_routes

KEY = {"authorization": "Bearer k"}
BODY = {"id": "1", "to": "+84901234567", "text": "Ma cua quy vi: 123456"}


def _client(gateway: Gateway) -> httpx.AsyncClient:
    app = Litestar(gateway_routes(gateway), openapi_config=None)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),  # type: ignore[arg-type]  # Litestar types its scopes more narrowly
        base_url="http://outside",
    )


@pytest.mark.anyio
async def test_a_message_is_taken_once_and_shown() -> None:
    gateway = Gateway(key="k")
    async with _client(gateway) as client:
        answers = [await client.post("/outside/sms/messages", json=BODY, headers=KEY) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert [message["text"] for message in (await client.get("/outside/sms/messages")).json()] == [
            BODY["text"]
        ]
        assert "123456" in (await client.get("/outside/sms/")).text
    last = gateway.last_to("+84901234567")
    assert last is not None
    assert last.id == "1"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("mode", "status", "kept"), [("ok", 202, 1), ("error", 503, 0), ("drop", 202, 0), ("slow", 202, 1)]
)
async def test_moods(mode: str, status: int, kept: int) -> None:
    gateway = Gateway(key="k", slow_seconds=0)
    async with _client(gateway) as client:
        assert (await client.post("/outside/sms/mood", json={"mode": mode})).status_code == 204
        assert (await client.post("/outside/sms/messages", json=BODY, headers=KEY)).status_code == status
    assert len(gateway.messages) == kept


@pytest.mark.anyio
async def test_a_wrong_key_and_a_garbled_number_are_refused() -> None:
    gateway = Gateway(key="k")
    async with _client(gateway) as client:
        assert (await client.post("/outside/sms/messages", json=BODY)).status_code == 401
        garbled = BODY | {"to": "0901"}
        assert (await client.post("/outside/sms/messages", json=garbled, headers=KEY)).status_code == 400
    assert not gateway.messages


@pytest.mark.anyio
async def test_the_page_shows_text_as_text() -> None:
    gateway = Gateway(key="k")
    async with _client(gateway) as client:
        await client.post("/outside/sms/messages", json=BODY | {"text": "<b>x</b>"}, headers=KEY)
        assert "&lt;b&gt;x" in (await client.get("/outside/sms/")).text
