"""Consent per purpose starts unticked; a remote examination is asked for at a shown price and answered."""

from typing import Any

import httpx
import pytest
from litestar import Litestar
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kernel.db import Sessions
from kernel.ids import new_id
from kernel.staff.api import Role
from tests.conftest import RealDatabase, SignedIn
from tests.patient_portal.builders import a_patient
from tests.patient_portal.conftest import SignInPatient

ASK = "/api/portal/telehealth-requests"


def _body(**more: Any) -> dict[str, Any]:
    given = {"id": str(new_id()), "service_code": "KB01", "reason": "mất ngủ", "accepted_price": 150_000}
    return given | more


async def _agree(client: httpx.AsyncClient, *, given: bool = True, purpose: str = "TELEHEALTH") -> Any:
    return (await client.put(f"/api/portal/consents/{purpose}", json={"given": given})).json()


def _slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def test_nothing_is_agreed_to_at_the_start(
    client: httpx.AsyncClient, patient_in: SignInPatient
) -> None:
    await patient_in()
    consents = (await client.get("/api/portal/consents")).json()
    assert len(consents) == 4
    assert not any(consent["given"] for consent in consents)


async def test_consent_is_given_and_taken_back_and_each_step_is_kept(
    client: httpx.AsyncClient, patient_in: SignInPatient, sessions: Sessions
) -> None:
    await patient_in()
    for given in (True, True, False):
        await _agree(client, given=given, purpose="REMINDERS")
    after = (await client.get("/api/portal/consents")).json()
    assert not any(consent["given"] for consent in after)
    async with sessions() as session:
        rows = (await session.execute(text("SELECT given, channel FROM portal_consent ORDER BY id"))).all()
    assert [tuple(row) for row in rows] == [(True, "portal"), (False, "portal")]


async def test_evidence_of_consent_can_not_be_changed(real_db: RealDatabase) -> None:
    async with real_db.sessions.begin() as session:
        person = await a_patient(session)
        account = new_id()
        await session.execute(
            text("INSERT INTO portal_account VALUES (:id, :person, now())").bindparams(
                id=account, person=person.id
            )
        )
        consent = text(
            "INSERT INTO portal_consent (id, patient_id, account_id, purpose, given, text_sha256, channel, at)"
            " VALUES (:id, :person, :account, 'RESEARCH', true, repeat('0', 64), 'portal', now())"
        )
        await session.execute(consent.bindparams(id=new_id(), person=person.id, account=account))
    for statement in ("UPDATE portal_consent SET given = false", "DELETE FROM portal_consent"):
        with pytest.raises(DBAPIError):
            async with real_db.sessions.begin() as session:
                await session.execute(text(statement))


async def test_a_request_needs_consent_and_the_shown_price(
    client: httpx.AsyncClient, patient_in: SignInPatient
) -> None:
    await patient_in()
    assert _slug(await client.post(ASK, json=_body())) == (422, "consent-missing")
    await _agree(client)
    assert _slug(await client.post(ASK, json=_body(accepted_price=1))) == (422, "price-not-accepted")
    assert _slug(await client.post(ASK, json=_body(service_code="XN01"))) == (403, "telehealth-not-declared")
    body = _body()
    asked = [(await client.post(ASK, json=body)).json() for _ in range(2)]
    assert asked[0] == asked[1]
    assert (asked[0]["state"], asked[0]["remote_mode"]) == ("ASKED", "DIRECT_TO_PATIENT")
    assert _slug(await client.post(ASK, json=_body())) == (409, "telehealth-request-open")


async def test_a_hospital_that_declared_nothing_takes_no_requests(
    client: httpx.AsyncClient, patient_in: SignInPatient, app: Litestar
) -> None:
    await patient_in()
    await _agree(client)
    settings = app.state.settings
    app.state.settings = replace(settings, portal=replace(settings.portal, telehealth_services=()))
    assert _slug(await client.post(ASK, json=_body())) == (403, "telehealth-not-declared")
    assert "chưa mở khám từ xa" in (await client.get("/portal/telehealth")).text


@pytest.mark.parametrize(("accept", "state"), [(True, "ACCEPTED"), (False, "REFUSED")])
async def test_staff_answer_once_and_the_patient_reads_it(
    client: httpx.AsyncClient,
    other_client: httpx.AsyncClient,
    patient_in: SignInPatient,
    signed_in: SignedIn,
    accept: bool,
    state: str,
) -> None:
    await patient_in(client=other_client)
    await _agree(other_client)
    request = (await other_client.post(ASK, json=_body())).json()
    await signed_in(Role.DOCTOR, name="Lê Minh Tuấn")
    assert "mất ngủ" in (await client.get("/telehealth")).text
    path = f"/api/telehealth-requests/{request['id']}/answer"
    if not accept:
        assert _slug(await client.post(path, json={"accept": False})) == (422, "answer-needs-reason")
    assert (await client.post(path, json={"accept": accept, "answer": "Mời đến khám"})).status_code == 201
    assert _slug(await client.post(path, json={"accept": True})) == (409, "telehealth-request-closed")
    [mine] = (await other_client.get(ASK)).json()
    assert (mine["state"], mine["answered_name"]) == (state, "Lê Minh Tuấn")
    withdrawal = await other_client.post(f"{ASK}/{request['id']}/withdrawal")
    assert _slug(withdrawal) == (409, "telehealth-request-closed")


async def test_only_the_asker_withdraws(
    client: httpx.AsyncClient, other_client: httpx.AsyncClient, patient_in: SignInPatient
) -> None:
    await patient_in(client=other_client)
    await _agree(other_client)
    request = (await other_client.post(ASK, json=_body())).json()
    await patient_in(phone="+84907654321")
    path = f"{ASK}/{request['id']}/withdrawal"
    assert _slug(await client.post(path)) == (404, "no-such-telehealth-request")
    assert (await other_client.post(path)).json()["state"] == "WITHDRAWN"


@pytest.mark.parametrize("role", [Role.CASHIER, Role.LAB, Role.ADMIN])
async def test_others_do_not_answer(client: httpx.AsyncClient, signed_in: SignedIn, role: Role) -> None:
    await signed_in(role)
    assert (await client.get("/api/telehealth-requests")).status_code == 403
    assert (await client.get("/telehealth")).status_code == 403


async def test_the_pages_of_a_request(
    client: httpx.AsyncClient, other_client: httpx.AsyncClient, patient_in: SignInPatient, signed_in: SignedIn
) -> None:
    await patient_in(client=other_client)
    data = {"id": str(new_id()), "accepted_price": "150000", "reason": "đau đầu"}
    refused = await other_client.post("/portal/telehealth", data=data)
    assert (refused.status_code, "Cần đồng ý" in refused.text) == (422, True)
    short = await other_client.post("/portal/telehealth", data=data | {"reason": "", "consent": "1"})
    assert (short.status_code, "Viết vài chữ" in short.text) == (422, True)
    assert (await other_client.post("/portal/telehealth", data=data | {"consent": "1"})).status_code == 303
    assert "Chờ bệnh viện trả lời" in (await other_client.get("/portal/telehealth")).text
    await signed_in(Role.RECEPTION)
    path = f"/telehealth/{data['id']}/answer"
    assert (await client.post(path, data={"accept": "0", "answer": ""})).status_code == 422
    assert (
        await client.post(path, data={"accept": "0", "answer": "Xin đến khám trực tiếp"})
    ).status_code == 303
    assert "Xin đến khám trực tiếp" in (await other_client.get("/portal/telehealth")).text
