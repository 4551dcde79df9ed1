"""An unlocked key lives as long as its sign-in, in every web process."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from litestar import Litestar
from msgspec.structs import replace
from sqlalchemy import func, select, update

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.staff.api import COOKIE, Actor, Role
from kernel.staff.models import StaffAccount
from signing.certificates.models import UnlockedKey
from signing.documents.models import Signature
from tests.conftest import PASSWORD, RealDatabase, assembled, browser
from tests.signing.hospital import (
    a_document,
    authority_client,
    give_certificate,
    with_authority,
)
from tests.signing.whole_run import FILE_PIN, SEAL_PIN, sign

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, signing=replace(settings.signing, organisation_pin=SEAL_PIN))


@pytest.fixture
async def http(pki: DemoPki) -> AsyncIterator[httpx.AsyncClient]:
    async with authority_client(pki) as http:
        yield http


def within(app: Litestar, http: httpx.AsyncClient) -> None:
    app.state.services = with_authority(app.state.services, http)


@pytest.fixture
async def doctor(real_db: RealDatabase, http: httpx.AsyncClient, pki: DemoPki) -> Actor:
    within(real_db.app, http)
    actor = await real_db.sign_in(Role.DOCTOR, name="Nguyễn Thị Hương")
    await give_certificate(real_db.sessions, real_db.settings, pki, actor, pin=FILE_PIN)
    return actor


@pytest.fixture
async def second_process(real_db: RealDatabase, http: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Another web process on the same database, with the same browser in front of it."""
    app = assembled("second process", real_db.settings)
    async with app.lifespan(), browser(app) as client:
        within(app, http)
        yield client


def carry(cookies_of: httpx.AsyncClient, to: httpx.AsyncClient) -> None:
    for name, value in cookies_of.cookies.items():
        to.cookies.set(name, value)


async def test_a_key_unlocked_in_one_web_process_signs_in_another(
    real_db: RealDatabase, doctor: Actor, second_process: httpx.AsyncClient
) -> None:
    carry(real_db.client, second_process)
    document = (await a_document(real_db.services, doctor)).id
    assert (await sign(second_process, document)).json()["type"] == "/problems/key-locked"
    assert (await real_db.client.post("/api/signing/unlock", json={"pin": FILE_PIN})).status_code == 201
    assert (await sign(second_process, document)).json()[0]["state"] == "signed"


async def test_a_stolen_row_is_of_no_use_without_the_cookie(
    real_db: RealDatabase, doctor: Actor, second_process: httpx.AsyncClient
) -> None:
    await real_db.client.post("/api/signing/unlock", json={"pin": FILE_PIN})
    document = (await a_document(real_db.services, doctor)).id
    async with real_db.sessions() as session:
        row = await session.scalar(select(UnlockedKey))
    assert row is not None
    assert real_db.client.cookies[COOKIE].encode() not in row.token_hash + row.sealed
    assert (await sign(second_process, document)).status_code in (401, 403)


async def test_fifteen_idle_minutes_close_a_key_and_use_keeps_it_open(
    real_db: RealDatabase, doctor: Actor
) -> None:
    await real_db.client.post("/api/signing/unlock", json={"pin": FILE_PIN})

    async def idle(minutes: float) -> None:
        async with real_db.sessions.begin() as session:
            used = utc_now() - timedelta(minutes=minutes)
            await session.execute(update(UnlockedKey).values(used_at=used))

    for minutes in (14.9, 14.9):  # Each use starts the time anew.
        await idle(minutes)
        document = (await a_document(real_db.services, doctor)).id
        assert (await sign(real_db.client, document)).json()[0]["state"] == "signed"
    await idle(15)
    document = (await a_document(real_db.services, doctor)).id
    assert (await sign(real_db.client, document)).json()["type"] == "/problems/key-locked"


async def test_signing_out_closes_the_key_in_every_process(
    real_db: RealDatabase, doctor: Actor, second_process: httpx.AsyncClient
) -> None:
    carry(real_db.client, second_process)
    await real_db.client.post("/api/signing/unlock", json={"pin": FILE_PIN})
    document = (await a_document(real_db.services, doctor)).id
    assert (await real_db.client.post("/api/logout")).status_code == 204
    async with real_db.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(UnlockedKey)) == 0
    answer = await sign(second_process, document)
    assert answer.status_code in (401, 409)
    async with real_db.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Signature)) == 0


async def test_another_sign_in_of_the_same_person_has_its_own_lock(
    real_db: RealDatabase, doctor: Actor
) -> None:
    await real_db.client.post("/api/signing/unlock", json={"pin": FILE_PIN})
    document = (await a_document(real_db.services, doctor)).id
    async with real_db.browser() as elsewhere:
        async with real_db.sessions() as session:
            username = await session.scalar(select(StaffAccount.username).where(StaffAccount.id == doctor.id))
        await elsewhere.get("/login")
        await elsewhere.post("/api/login", json={"username": username, "password": PASSWORD})
        assert (await sign(elsewhere, document)).json()["type"] == "/problems/key-locked"
