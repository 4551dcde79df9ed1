"""Sheets and prescriptions over HTTP: who may, what is refused, how it is told."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.ids import new_id
from kernel.services import Services
from kernel.staff.api import Role
from kernel.staff.models import StaffAccount
from tests.conftest import SignedIn
from tests.emr.builders import a_visit
from tests.emr.forms import answers


@pytest.fixture
async def visit_id(records: AsyncSession) -> str:
    return str((await a_visit(records)).id)


async def opened(client: httpx.AsyncClient, visit_id: str, form: str = "PKB", **more: Any) -> dict[str, Any]:
    body = {"id": str(new_id()), "visit_id": visit_id, "form_code": form} | more
    answer = await client.post("/api/sheets", json=body)
    assert answer.status_code == 201, answer.text
    sheet: dict[str, Any] = answer.json()
    return sheet


async def test_a_note_is_opened_saved_and_completed(
    client: httpx.AsyncClient, signed_in: SignedIn, visit_id: str, services: Services
) -> None:
    doctor = await signed_in(Role.DOCTOR)
    sheet = await opened(client, visit_id)
    saved = await client.put(f"/api/sheets/{sheet['id']}/draft", json={"revision": 1, "data": answers("PKB")})
    assert (saved.status_code, saved.json()["revision"]) == (200, 2)
    done = await client.post(f"/api/sheets/{sheet['id']}/completion", json={"revision": 2})
    assert (done.status_code, done.json()["state"]) == (201, "COMPLETED")
    assert done.json()["completed_name"] == f"BS. {doctor.name}"
    listed = await client.get("/api/sheets", params={"visit_id": visit_id})
    assert [line["title"] for line in listed.json()] == ["Phiếu khám bệnh"]
    assert (await services.objects.get(done.json()["sha256"])).startswith(b"%PDF-1.7")
    stated = await client.get("/api/sheets/diagnoses", params={"visit_id": visit_id})
    assert stated.json()[0]["code"] == "J18.1"


async def test_refusals_are_problems_with_errors_by_field(
    client: httpx.AsyncClient, signed_in: SignedIn, visit_id: str
) -> None:
    await signed_in(Role.DOCTOR)
    sheet = await opened(client, visit_id)
    refused = await client.post(f"/api/sheets/{sheet['id']}/completion", json={})
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid-sheet")
    assert refused.json()["errors"]["toan_than"] == "Cần ghi: Toàn thân."
    stale = await client.put(f"/api/sheets/{sheet['id']}/draft", json={"revision": 7, "data": {}})
    assert (stale.status_code, stale.json()["type"], stale.json()["revision"]) == (
        409,
        "/problems/stale-draft",
        1,
    )
    assert (await client.get(f"/api/sheets/{new_id()}")).status_code == 404
    unknown = {"id": str(new_id()), "visit_id": visit_id, "form_code": "XX"}
    assert (await client.post("/api/sheets", json=unknown)).status_code == 404


async def test_a_draft_is_given_up_and_a_finished_sheet_amended(
    client: httpx.AsyncClient, signed_in: SignedIn, visit_id: str
) -> None:
    await signed_in(Role.DOCTOR)
    sheet = await opened(client, visit_id)
    gone = await client.post(f"/api/sheets/{sheet['id']}/cancellation")
    assert (gone.status_code, gone.json()["state"]) == (201, "CANCELLED")
    again = await opened(client, visit_id)
    await client.put(f"/api/sheets/{again['id']}/draft", json={"revision": 1, "data": answers("PKB")})
    await client.post(f"/api/sheets/{again['id']}/completion", json={})
    body = {"id": str(new_id()), "reason": "Thiếu tiền sử"}
    next_version = await client.post(f"/api/sheets/{again['id']}/amendments", json=body)
    assert (next_version.status_code, next_version.json()["version"]) == (201, 2)
    read = await client.get(f"/api/sheets/{next_version.json()['id']}")
    assert read.json()["reason"] == "Thiếu tiền sử"


@pytest.mark.parametrize("role", [Role.CASHIER, Role.RECEPTION, Role.ACCOUNTANT])
async def test_people_of_the_till_and_the_desk_read_no_sheets(
    client: httpx.AsyncClient, signed_in: SignedIn, visit_id: str, role: Role
) -> None:
    await signed_in(role)
    assert (await client.get("/api/sheets", params={"visit_id": visit_id})).status_code == 403
    body = {"id": str(new_id()), "visit_id": visit_id, "form_code": "PKB"}
    assert (await client.post("/api/sheets", json=body)).status_code == 403


async def test_a_pharmacist_reads_and_does_not_write(
    client: httpx.AsyncClient, signed_in: SignedIn, visit_id: str
) -> None:
    await signed_in(Role.PHARMACIST)
    assert (await client.get("/api/prescriptions", params={"visit_id": visit_id})).status_code == 200
    body = {"id": str(new_id()), "visit_id": visit_id, "form_code": "PKB"}
    assert (await client.post("/api/sheets", json=body)).status_code == 403


async def test_a_prescription_is_written_in_one_call_and_completed(
    client: httpx.AsyncClient, signed_in: SignedIn, visit_id: str, records: AsyncSession
) -> None:
    doctor = await signed_in(Role.DOCTOR)
    await licensed(records, doctor.id)
    line = {
        "drug_code": "T002",
        "quantity": "9",
        "dose": "1 viên",
        "times_per_day": 3,
        "moment": "sau ăn",
        "days": 3,
    }
    body = {
        "id": str(new_id()),
        "visit_id": visit_id,
        "lines": [line],
        "diagnoses": [{"code": "I10", "name": "Tăng huyết áp vô căn"}],
        "advice": "Uống nhiều nước",
    }
    written = await client.post("/api/prescriptions", json=body)
    assert written.status_code == 201, written.text
    assert (await client.post("/api/prescriptions", json=body)).json()["revision"] == 2
    done = await client.post(f"/api/sheets/{body['id']}/completion", json={})
    assert done.status_code == 201, done.text
    (listed,) = (await client.get("/api/prescriptions", params={"visit_id": visit_id})).json()
    assert (listed["lines"][0]["name"], listed["lines"][0]["quantity"]) == ("Paracetamol", "9.00")
    found = await client.get(f"/api/prescriptions/{listed['code']}")
    assert found.json()["sheet_id"] == body["id"]
    assert (await client.get("/api/prescriptions/99999aaaaaaa-C")).status_code == 404


async def licensed(session: AsyncSession, staff_id: UUID) -> None:
    await session.execute(
        update(StaffAccount).where(StaffAccount.id == staff_id).values(practice_license="000009/VD-GPHN")
    )


async def test_forms_in_use_are_listed_without_those_switched_off(
    client: httpx.AsyncClient, signed_in: SignedIn
) -> None:
    await signed_in(Role.NURSE)
    codes = {form["code"] for form in (await client.get("/api/forms")).json()}
    assert codes == {"PKB", "PCD", "DT-C", "PHK", "GRV", "01-BV2", "36-BV2", "40-BV2"}


async def test_nobody_reads_sheets_without_signing_in(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/sheets", params={"visit_id": str(new_id())})).status_code == 401
