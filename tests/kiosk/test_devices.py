"""Machines are paired once, do one thing, and can be thrown out."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from kernel.db import Sessions
from kernel.staff.api import Role
from tests.conftest import SignedIn
from tests.kiosk.conftest import Pair

pytestmark = pytest.mark.usefixtures("lobby")


async def test_a_machine_without_a_token_gets_nothing(machine: httpx.AsyncClient) -> None:
    page = await machine.get("/kiosk")
    assert page.status_code == 403
    assert "chưa được ghép" in page.text
    answer = await machine.post("/api/kiosk/arrivals", json={"id": "0" * 32, "text": "x"})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/device-not-paired")


async def test_a_paired_machine_shows_the_scan_field(machine: httpx.AsyncClient, pair: Pair) -> None:
    await pair()
    page = await machine.get("/kiosk")
    assert page.status_code == 200
    assert "Đưa giấy tờ vào ô đọc mã" in page.text


async def test_a_code_pairs_one_machine(
    client: httpx.AsyncClient, machine: httpx.AsyncClient, signed_in: SignedIn
) -> None:
    await signed_in(Role.ADMIN)
    code = (await client.post("/api/kiosk/devices", json={"name": "Sảnh A"})).json()["code"]
    assert (await machine.post("/api/kiosk/pairing", json={"code": code.lower()})).status_code == 204
    again = await machine.post("/api/kiosk/pairing", json={"code": code})
    assert (again.status_code, again.json()["type"]) == (422, "/problems/bad-pairing-code")


async def test_a_code_that_is_too_old_or_wrong(
    client: httpx.AsyncClient, machine: httpx.AsyncClient, signed_in: SignedIn, sessions: Sessions
) -> None:
    await signed_in(Role.ADMIN)
    code = (await client.post("/api/kiosk/devices", json={"name": "Sảnh A"})).json()["code"]
    async with sessions.begin() as session:
        past = text("UPDATE kiosk_device SET pairing_expires_at = now() - :ago")
        await session.execute(past.bindparams(ago=timedelta(seconds=1)))
    assert (await machine.post("/api/kiosk/pairing", json={"code": code})).status_code == 422
    await machine.get("/kiosk/pair")
    page = await machine.post("/kiosk/pair", data={"code": "sai"})
    assert (page.status_code, "Mã ghép không đúng" in page.text) == (422, True)


async def test_a_revoked_machine_is_out(
    client: httpx.AsyncClient, machine: httpx.AsyncClient, pair: Pair
) -> None:
    device = await pair()
    assert (await client.delete(f"/api/kiosk/devices/{device}")).status_code == 204
    assert (await machine.get("/kiosk")).status_code == 403
    again = await client.delete(f"/api/kiosk/devices/{device}")
    assert (again.status_code, again.json()["type"]) == (404, "/problems/no-such-device")


async def test_the_token_of_a_machine_opens_nothing_else(machine: httpx.AsyncClient, pair: Pair) -> None:
    await pair()
    statuses = [
        (await machine.get(path)).status_code
        for path in ("/api/me", "/api/kiosk/devices", "/api/portal/bookings", "/api/telehealth-requests")
    ]
    assert statuses == [401] * 4


@pytest.mark.parametrize("role", [Role.RECEPTION, Role.DOCTOR, Role.DIRECTOR])
async def test_only_the_administrator_adds_machines(
    client: httpx.AsyncClient, signed_in: SignedIn, role: Role
) -> None:
    await signed_in(role)
    assert (await client.post("/api/kiosk/devices", json={"name": "Sảnh A"})).status_code == 403
    assert (await client.get("/devices")).status_code == 403


async def test_the_administrators_page(client: httpx.AsyncClient, signed_in: SignedIn) -> None:
    await signed_in(Role.ADMIN)
    assert "Chưa có máy nào" in (await client.get("/devices")).text
    refused = await client.post("/devices", data={"name": ""})
    assert (refused.status_code, "Ghi nơi đặt máy" in refused.text) == (422, True)
    added = await client.post("/devices", data={"name": "Sảnh B"})
    assert "Mã ghép của Sảnh B" in added.text
    device = (await client.get("/api/kiosk/devices")).json()[0]["id"]
    assert (await client.post(f"/devices/{device}/revocation")).status_code == 303
    assert "Đã ngừng" in (await client.get("/devices")).text
