"""Sign-in by phone, one-time code and birth date, with each refusal."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from msgspec.structs import replace
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from hospital.demo.outside.sms import Gateway, Mood
from kernel.audit.api import entries_of_patient
from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.outbox.api import drain
from kernel.services import Services
from patient_portal.accounts.models import CodeRequest, Device
from tests.patient_portal.builders import BORN, PHONE, a_patient
from tests.patient_portal.conftest import SignInPatient, code_sent

Answer = httpx.Response


async def _ask(client: httpx.AsyncClient, services: Services, phone: str = PHONE) -> UUID:
    asked = await client.post("/api/portal/codes", json={"phone": phone})
    assert asked.status_code == 202, asked.text
    await drain(services)
    return UUID(asked.json()["id"])


async def _start(client: httpx.AsyncClient, request_id: UUID, code: str, **more: Any) -> Answer:
    body = {"code_request_id": str(request_id), "code": code, "birth_date": BORN.isoformat()} | more
    return await client.post("/api/portal/sessions", json=body)


def _slug(answer: Answer) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["type"]).removeprefix("/problems/")


@pytest.fixture
async def known(session: AsyncSession) -> None:
    await a_patient(session)
    await session.commit()


async def test_the_right_code_and_birth_date_open_the_portal(
    client: httpx.AsyncClient, patient_in: SignInPatient, sessions: Sessions
) -> None:
    person = await patient_in()
    assert (await client.get("/api/portal/bookings")).status_code == 200
    async with sessions() as session:
        assert next(iter(await entries_of_patient(session, person.id))).action == "login"
        stored = (
            await session.execute(
                text("SELECT code_hash, token_hash FROM portal_code_request, portal_session")
            )
        ).one()
    assert len(stored.token_hash) == 32


async def test_nobody_else_gets_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/portal/bookings")
    assert (answer.status_code, _slug(answer)) == (401, "patient-not-signed-in")


async def test_staff_sign_in_is_no_patient_sign_in(client: httpx.AsyncClient, signed_in: Any) -> None:
    await signed_in()
    assert (await client.get("/api/portal/bookings")).status_code == 401


@pytest.mark.usefixtures("known")
async def test_five_wrong_codes_end_the_code(
    client: httpx.AsyncClient, sending: Services, gateway: Gateway
) -> None:
    request_id = await _ask(client, sending)
    code = code_sent(gateway, PHONE)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for _ in range(5):
        answer = await _start(client, request_id, wrong)
        assert (answer.status_code, _slug(answer)) == (422, "wrong-code")
    answer = await _start(client, request_id, code)
    assert (answer.status_code, _slug(answer)) == (409, "code-dead")


@pytest.mark.usefixtures("known")
async def test_an_expired_code(
    client: httpx.AsyncClient, sending: Services, gateway: Gateway, sessions: Sessions
) -> None:
    request_id = await _ask(client, sending)
    async with sessions.begin() as session:
        await session.execute(update(CodeRequest).values(expires_at=utc_now() - timedelta(seconds=1)))
    assert _slug(await _start(client, request_id, code_sent(gateway, PHONE))) == "code-dead"


async def test_an_unknown_phone_looks_the_same(
    client: httpx.AsyncClient, sending: Services, gateway: Gateway, sessions: Sessions
) -> None:
    async with sessions.begin() as session:
        await a_patient(session)
    answers = [
        await client.post("/api/portal/codes", json={"phone": phone}) for phone in (PHONE, "0907654321")
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert [sorted(answer.json()) for answer in answers] == [["expires_at", "id"]] * 2
    await drain(sending)
    assert [message.to for message in gateway.messages] == [PHONE]
    refusals = []
    for asked, code in zip(answers, ("abcdef", "abcdef"), strict=True):
        refusal = await _start(client, UUID(asked.json()["id"]), code)
        refusals.append((refusal.status_code, refusal.json()))
    assert refusals[0] == refusals[1]


@pytest.mark.usefixtures("known")
async def test_a_wrong_birth_date_is_refused_and_counted(
    client: httpx.AsyncClient, sending: Services, gateway: Gateway
) -> None:
    request_id = await _ask(client, sending)
    code = code_sent(gateway, PHONE)
    for day in range(1, 4):
        answer = await _start(client, request_id, code, birth_date=date(1990, 1, day).isoformat())
        assert (answer.status_code, _slug(answer)) == (422, "wrong-birth-date")
    assert (await _start(client, request_id, code)).status_code == 201


@pytest.mark.usefixtures("known")
async def test_a_code_opens_one_session(
    client: httpx.AsyncClient, sending: Services, gateway: Gateway
) -> None:
    request_id = await _ask(client, sending)
    code = code_sent(gateway, PHONE)
    assert (await _start(client, request_id, code)).status_code == 201
    assert _slug(await _start(client, request_id, code)) == "code-dead"


async def test_a_family_phone_opens_the_record_of_that_birth_date(
    client: httpx.AsyncClient, sessions: Sessions, sending: Services, gateway: Gateway
) -> None:
    async with sessions.begin() as session:
        await a_patient(session)
        child = await a_patient(session, born=date(2019, 5, 2), name="Nguyễn Minh Khôi")
    request_id = await _ask(client, sending)
    answer = await _start(client, request_id, code_sent(gateway, PHONE), birth_date="2019-05-02")
    assert answer.status_code == 201
    async with sessions() as session:
        actions = [row.action for row in await entries_of_patient(session, child.id)]
    assert actions == ["login", "create"]


async def test_twins_are_asked_who_they_are(
    client: httpx.AsyncClient, session: AsyncSession, sending: Services, gateway: Gateway
) -> None:
    twins = [await a_patient(session, name=name) for name in ("Trần Minh An", "Trần Minh Bình")]
    await session.commit()
    request_id = await _ask(client, sending)
    code = code_sent(gateway, PHONE)
    answer = await _start(client, request_id, code)
    assert (answer.status_code, _slug(answer)) == (409, "choose-person")
    assert {one["id"] for one in answer.json()["people"]} == {str(twin.id) for twin in twins}
    assert (await _start(client, request_id, code, person=str(twins[1].id))).status_code == 201


async def test_somebody_elses_id_does_not_help(
    client: httpx.AsyncClient, session: AsyncSession, sending: Services, gateway: Gateway
) -> None:
    await a_patient(session)
    stranger = await a_patient(session, phone="+84907654321")
    await session.commit()
    request_id = await _ask(client, sending)
    answer = await _start(client, request_id, code_sent(gateway, PHONE), person=str(stranger.id))
    assert _slug(answer) == "wrong-birth-date"


@pytest.mark.parametrize("phone", ["", "12345", "024 3822 3344", "+1 202 555 0100", "abc"])
async def test_what_is_no_mobile_number(client: httpx.AsyncClient, phone: str) -> None:
    answer = await client.post("/api/portal/codes", json={"phone": phone})
    assert (answer.status_code, _slug(answer)) == (422, "bad-phone")


async def test_codes_are_rationed_per_phone(client: httpx.AsyncClient) -> None:
    statuses = [(await client.post("/api/portal/codes", json={"phone": PHONE})).status_code for _ in range(5)]
    assert statuses == [202] * 4 + [429]
    assert (await client.post("/api/portal/codes", json={"phone": "0907654321"})).status_code == 202


async def test_codes_are_rationed_per_address(client: httpx.AsyncClient) -> None:
    answers = [await client.post("/api/portal/codes", json={"phone": f"09012345{i:02d}"}) for i in range(31)]
    assert [answer.status_code for answer in answers] == [202] * 30 + [429]
    assert _slug(answers[-1]) == "too-many-codes"


@pytest.mark.usefixtures("known")
async def test_a_gateway_that_fails_is_tried_again(
    client: httpx.AsyncClient, sending: Services, gateway: Gateway, sessions: Sessions
) -> None:
    gateway.mood = Mood.ERROR
    asked = await client.post("/api/portal/codes", json={"phone": PHONE})
    await drain(sending, raises=False)
    assert not gateway.messages
    gateway.mood = Mood.OK
    await drain(sending, now=utc_now() + timedelta(minutes=1))
    code = code_sent(gateway, PHONE)
    assert (await _start(client, UUID(asked.json()["id"]), code)).status_code == 201


@pytest.mark.usefixtures("known")
async def test_the_code_is_stored_nowhere(
    client: httpx.AsyncClient, sending: Services, gateway: Gateway, sessions: Sessions
) -> None:
    await _ask(client, sending)
    code = code_sent(gateway, PHONE)
    async with sessions() as session:
        rows = (await session.execute(text("SELECT payload::text FROM kernel_job"))).scalars().all()
        hashed = await session.scalar(text("SELECT code_hash FROM portal_code_request"))
    assert all(code not in row for row in rows)
    assert hashed is not None
    assert code.encode() not in hashed


async def test_a_remembered_device_stands_in_for_the_code_only(
    client: httpx.AsyncClient, patient_in: SignInPatient, gateway: Gateway
) -> None:
    await patient_in(remember=True)
    await client.delete("/api/portal/sessions/current")
    sent = len(gateway.messages)
    page = await client.get("/portal/sign-in")
    assert "Ngày sinh của người bệnh" in page.text
    wrong = await _page_birth_date(client, "15/03/1988")
    assert wrong.status_code == 422
    assert (await _page_birth_date(client, "14/03/1988")).status_code == 303
    assert (await client.get("/api/portal/bookings")).status_code == 200
    assert len(gateway.messages) == sent


async def _page_birth_date(client: httpx.AsyncClient, typed: str) -> Answer:
    return await client.post("/portal/sign-in/birth-date", data={"birth_date": typed})


async def test_a_device_forgets_itself_after_five_wrong_birth_dates(
    client: httpx.AsyncClient, patient_in: SignInPatient
) -> None:
    await patient_in(remember=True)
    await client.delete("/api/portal/sessions/current")
    for _ in range(5):
        await _page_birth_date(client, "15/03/1988")
    answer = await _page_birth_date(client, "14/03/1988")
    assert answer.headers["location"] == "/portal/sign-in?other=true"
    assert "Số điện thoại" in (await client.get("/portal/sign-in")).text


async def test_forgetting_a_device_ends_its_sessions(
    client: httpx.AsyncClient, patient_in: SignInPatient, sessions: Sessions
) -> None:
    await patient_in(remember=True)
    [device] = (await client.get("/api/portal/devices")).json()
    assert (await client.delete(f"/api/portal/devices/{device['id']}")).status_code == 204
    assert (await client.get("/api/portal/bookings")).status_code == 401
    async with sessions() as session:
        revoked = await session.get(Device, UUID(device["id"]))
        assert revoked is not None
        assert revoked.revoked_at is not None


async def test_another_phones_device_is_not_there(
    client: httpx.AsyncClient, other_client: httpx.AsyncClient, patient_in: SignInPatient
) -> None:
    await patient_in(remember=True)
    [device] = (await client.get("/api/portal/devices")).json()
    await patient_in(client=other_client, phone="+84907654321")
    answer = await other_client.delete(f"/api/portal/devices/{device['id']}")
    assert (answer.status_code, _slug(answer)) == (404, "no-such-device")


async def test_a_session_ends_when_nobody_uses_it(
    client: httpx.AsyncClient, patient_in: SignInPatient, sessions: Sessions
) -> None:
    await patient_in()
    async with sessions.begin() as session:
        await session.execute(text("UPDATE portal_session SET last_seen_at = now() - interval '31 minutes'"))
    assert (await client.get("/api/portal/bookings")).status_code == 401


async def test_the_pages_lead_through_phone_code_and_birth_date(
    client: httpx.AsyncClient, sending: Services, gateway: Gateway, session: AsyncSession
) -> None:
    await a_patient(session)
    await session.commit()
    assert (await client.get("/portal/booking")).headers["location"] == "/portal/sign-in"
    await client.get("/portal/sign-in")
    assert (await client.post("/portal/sign-in/phone", data={"phone": "x"})).status_code == 422
    answer = await client.post("/portal/sign-in/phone", data={"phone": "0901 234 567"})
    assert answer.headers["location"] == "/portal/sign-in/code"
    assert "0901 234 567" in (await client.get("/portal/sign-in/code")).text
    await drain(sending)
    wrong = await client.post("/portal/sign-in/code", data={"code": "x"})
    assert (wrong.status_code, "Mã không đúng" in wrong.text) == (422, True)
    answer = await client.post("/portal/sign-in/code", data={"code": code_sent(gateway, PHONE)})
    assert answer.headers["location"] == "/portal/sign-in/birth-date"
    assert (await _page_birth_date(client, "30/02/1988")).status_code == 422
    answer = await _page_birth_date(client, "14031988")
    assert (answer.status_code, answer.headers["location"]) == (303, "/portal")


async def test_without_a_gateway_nobody_is_asked_for_a_code(client: httpx.AsyncClient, app: Any) -> None:
    settings = app.state.settings
    app.state.settings = replace(settings, portal=replace(settings.portal, sms_url=""))
    answer = await client.post("/api/portal/codes", json={"phone": PHONE})
    assert (answer.status_code, _slug(answer)) == (503, "portal-off")
