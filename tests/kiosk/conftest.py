"""A machine of the lobby that is paired, in a small hospital."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from litestar import Litestar

from kernel.db import Sessions
from kernel.staff.api import Role
from tests.conftest import SignedIn, browser
from tests.emr.builders import a_hospital

Pair = Callable[[], Awaitable[str]]


@pytest.fixture
async def lobby(sessions: Sessions) -> None:
    """Rooms and services."""
    async with sessions.begin() as session:
        await a_hospital(session)


@pytest.fixture
async def machine(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """The machine's browser, not paired yet."""
    async with browser(app) as machine:
        yield machine


@pytest.fixture
def pair(client: httpx.AsyncClient, machine: httpx.AsyncClient, signed_in: SignedIn) -> Pair:
    """`await pair()` pairs `machine`, with the administrator in `client`; returns the device's id."""

    async def pairing() -> str:
        await signed_in(Role.ADMIN)
        added = await client.post("/api/kiosk/devices", json={"name": "Sảnh A, máy 1"})
        assert added.status_code == 201, added.text
        answer = await machine.post("/api/kiosk/pairing", json={"code": added.json()["code"]})
        assert answer.status_code == 204, answer.text
        await machine.get("/kiosk")  # Sets the CSRF cookie.
        return str(added.json()["id"])

    return pairing
