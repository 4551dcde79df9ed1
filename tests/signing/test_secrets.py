"""No PIN is kept anywhere, and an unlocked key lives as long as its sign-in, in every web process."""

import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from litestar import Litestar
from msgspec.structs import replace
from sqlalchemy import func, select, update

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.outbox.api import drain
from kernel.staff.api import COOKIE, Actor, Role
from kernel.staff.models import StaffAccount
from signing.api import NewSlot
from signing.certificates.models import UnlockedKey
from signing.documents.models import Signature
from signing.tasks import service
from tests.conftest import PASSWORD, RealDatabase, assembled, browser
from tests.signing.holders import holder
from tests.signing.hospital import (
    a_document,
    authority_client,
    give_certificate,
    give_token_certificate,
    with_authority,
)
from tests.signing.secret_search import dump, everything_logged, find, folder_bytes, shapes
from tests.signing.tokens import TOKEN_PIN, SoftHsm

pytestmark = pytest.mark.anyio
FILE_PIN, SEAL_PIN = "pin-tep-khoa-90417", "pin-con-dau-55823"
WRONG_FILE_PIN, WRONG_TOKEN_PIN = "pin-go-nham-31264", "pin-token-go-nham-47"
UPLOAD_PIN = "pin-tep-moi-60035"
SECRETS = [UPLOAD_PIN, FILE_PIN, SEAL_PIN, TOKEN_PIN, WRONG_FILE_PIN, WRONG_TOKEN_PIN, PASSWORD]
"""Everything secret that is typed or configured in the run; a new way of signing adds what it is told."""


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


async def sign(client: httpx.AsyncClient, document: object, pin: str | None = None) -> httpx.Response:
    return await client.post("/api/signing/signatures", json={"documents": [str(document)], "pin": pin})


async def test_after_a_whole_run_no_pin_lies_anywhere(
    real_db: RealDatabase,
    http: httpx.AsyncClient,
    pki: DemoPki,
    softhsm: SoftHsm,
    settings: Settings,
    capfd: pytest.CaptureFixture[str],
) -> None:
    service._seals.clear()
    within(real_db.app, http)
    services, client = real_db.services, real_db.client
    with everything_logged() as log:
        await give_certificate(real_db.sessions, real_db.settings, pki, None, pin=SEAL_PIN)
        soft = await real_db.sign_in(Role.DOCTOR, name="Nguyễn Thị Hương")
        await give_certificate(real_db.sessions, real_db.settings, pki, soft, pin=FILE_PIN)
        slots = (
            NewSlot(field="bac_si", label="Bác sĩ", owner_staff_id=soft.id),
            NewSlot(field="co_so", label="Cơ sở", organisation=True),
        )
        first, second, third = [(await a_document(services, soft, *slots)).id for _ in range(3)]
        assert (await sign(client, first, WRONG_FILE_PIN)).status_code == 422
        assert (await sign(client, first, FILE_PIN)).json()[0]["state"] == "signed"
        assert (await client.post("/api/signing/unlock", json={"pin": FILE_PIN})).status_code == 201
        assert (await sign(client, second)).json()[0]["state"] == "signed"
        form = {"document": str(third), "pin": FILE_PIN, "keep": "1"}
        assert (await client.post("/sign", data=form)).status_code == 303

        assert (await client.post("/sign/rehearsal", data={"pin": FILE_PIN})).status_code in (200, 422)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, _ = pki.issue(holder(), key, now=utc_now())
        file = pkcs12.serialize_key_and_certificates(
            b"x", key, certificate, [pki.issuing], BestAvailableEncryption(UPLOAD_PIN.encode())
        )
        form = {"key_kind": "PKCS12", "pin": UPLOAD_PIN}
        uploaded = await client.post("/sign/certificates", data=form, files={"file": ("a.p12", file)})
        assert uploaded.status_code == 303, uploaded.text

        token_client = real_db.browser()
        hard = await real_db.sign_in(Role.DOCTOR, client=token_client, name="Trần Văn Bình")
        await give_token_certificate(
            real_db.sessions, real_db.settings, pki, softhsm, hard, number="001180000002"
        )
        other = (await a_document(services, hard)).id
        assert (await sign(token_client, other, WRONG_TOKEN_PIN)).status_code == 422
        form = {"document": str(other), "pin": WRONG_TOKEN_PIN}
        assert (await token_client.post("/sign", data=form)).status_code == 422
        assert (await sign(token_client, other, TOKEN_PIN)).json()[0]["state"] == "signed"
        tried = await token_client.post("/sign/rehearsal", data={"pin": TOKEN_PIN})
        assert tried.status_code in (200, 422)
        await drain(services)
        await token_client.aclose()
    async with real_db.sessions() as session:
        methods = list(await session.scalars(select(Signature.method)))
    assert sorted(methods) == ["PKI_SOFTWARE"] * 6 + ["PKI_TOKEN_HSM"]
    printed = capfd.readouterr()
    logs = [log.getvalue().encode(), printed.out.encode(), printed.err.encode()]
    database = dump(real_db.owner_url)
    objects = folder_bytes(Path(settings.kernel.data_dir)) + folder_bytes(pki.folder / "keys")
    for secret in SECRETS:
        assert find(secret, *logs) == [], f"{secret} in the logs"
        assert find(secret, database) == [], f"{secret} in the database"
        assert find(secret, *objects) == [], f"{secret} in the object store"
    # The search looks where it should: what must be there is found.
    assert find("Nguyễn Thị Hương", database)
    assert b"/api/signing/signatures" in b"".join(logs)
    assert any(b"%PDF" in data for data in objects)
    service._seals.clear()


@pytest.mark.parametrize("form", ["plain", "hex", "base64-0", "base64-1", "base64-2"])
def test_a_planted_secret_is_found_in_every_form(form: str) -> None:
    raw = FILE_PIN.encode()
    planted = {
        "plain": b"x" + raw,
        "hex": raw.hex().encode(),
        "base64-0": base64.b64encode(raw + b"tail"),
        "base64-1": base64.b64encode(b"a" + raw + b"tail"),
        "base64-2": base64.b64encode(b"ab" + raw + b"tail"),
    }[form]
    assert find(FILE_PIN, planted)
    assert all(len(shape) > 4 for shape in shapes(FILE_PIN))


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
