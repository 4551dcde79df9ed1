"""The registry over HTTP: the right person, the wrong one, the refusals."""

from typing import Any

import httpx
import pytest
from litestar import Litestar
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.load import load_code_lists
from kernel.ids import new_id
from kernel.staff.api import Role
from tests.conftest import SignedIn
from tests.emr.builders import a_hospital, a_patient, a_visit

CARD = "051199000123||Trần Thị Mẫu|01021999|Nữ|Thôn Mẫu, Xã Thử Nghiệm|15042021"

NOBODY = "00000000-0000-7000-8000-000000000000"  # Fixed: workers must collect the same names of tests.


def a_body(**more: Any) -> dict[str, Any]:
    given = {"id": str(new_id()), "name": "Trần Thị Mẫu", "birth_date": "1999-02-01", "sex": "FEMALE"}
    return given | more


def an_opening_body(patient_id: object, **more: Any) -> dict[str, Any]:
    given = {
        "id": str(new_id()),
        "patient_id": str(patient_id),
        "payer": "BHYT",
        "room": "PK1",
        "service_code": "KB01",
        "insurance": {"card_number": "DN4515120000001", "route": "1.1"},
    }
    return given | more


async def test_a_person_is_registered_read_corrected_and_found(
    client: httpx.AsyncClient, signed_in: SignedIn
) -> None:
    await signed_in(Role.RECEPTION)
    body = a_body(citizen_id="051199000123", phone="0901234567")
    made = await client.post("/api/patients", json=body)
    assert made.status_code == 201, made.text
    assert (await client.post("/api/patients", json=body)).json() == made.json()
    patient = made.json()
    read = await client.get(f"/api/patients/{patient['id']}")
    assert read.json()["code"] == patient["code"]
    change = {
        "revision": 1,
        "name": patient["name"],
        "birth_date": patient["birth_date"],
        "sex": "FEMALE",
        "citizen_id": "051199000999",
        "allergies": "Penicillin",
        "reason": "Cấp lại số",
    }
    changed = await client.put(f"/api/patients/{patient['id']}", json=change)
    assert changed.json()["allergies"] == "Penicillin"
    numbers = await client.get(f"/api/patients/{patient['id']}/identifiers")
    assert [one["value"] for one in numbers.json()] == ["051199000999", "051199000123"]
    for text in ("tran thi", "051199000123", CARD):
        found = await client.post("/api/patients/search", json={"text": text})
        assert [hit["code"] for hit in found.json()] == [patient["code"]], text
    scan = await client.post("/api/patients/scan", json={"text": CARD})
    assert scan.json()["citizen_card"]["name"] == "Trần Thị Mẫu"
    assert [hit["code"] for hit in scan.json()["patients"]] == [patient["code"]]


@pytest.mark.parametrize(
    ("more", "status", "field"),
    [({"citizen_id": "1"}, 422, "citizen_id"), ({"phone": "1"}, 422, "phone"), ({"name": ""}, 400, None)],
)
async def test_bad_registrations_are_problems(
    client: httpx.AsyncClient, signed_in: SignedIn, more: dict[str, Any], status: int, field: str | None
) -> None:
    await signed_in(Role.RECEPTION)
    answer = await client.post("/api/patients", json=a_body(**more))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().get("field") == field


async def test_a_ruined_scan_is_a_problem_that_says_what_to_do(
    client: httpx.AsyncClient, signed_in: SignedIn
) -> None:
    await signed_in(Role.RECEPTION)
    answer = await client.post("/api/patients/scan", json={"text": CARD.replace("Trần", "Tr?n")})
    assert (answer.status_code, answer.json()["fault"]) == (422, "keyboard")
    assert "Tắt bộ gõ tiếng Việt" in answer.json()["detail"]
    assert "051199000123" not in answer.text


async def test_a_visit_from_reception_to_its_end(
    client: httpx.AsyncClient, signed_in: SignedIn, session: AsyncSession
) -> None:
    await a_hospital(session)
    patient = await a_patient(session)
    await signed_in(Role.RECEPTION, Role.DOCTOR, Role.LAB)
    opened = await client.post("/api/visits", json=an_opening_body(patient.id))
    assert opened.status_code == 201, opened.text
    visit = opened.json()
    assert visit["ticket"]["number"] == 1
    called = await client.post("/api/queues/PK1/calls")
    assert called.json()["visit_id"] == visit["id"]
    again = await client.post(f"/api/tickets/{visit['ticket']['id']}/calls")
    assert again.status_code == 201
    assert (await client.post(f"/api/visits/{visit['id']}/start")).json()["state"] == "IN_PROGRESS"
    lines = [{"id": str(new_id()), "service_code": "XN01"}]
    [order] = (await client.post("/api/orders", json={"visit_id": visit["id"], "lines": lines})).json()
    [work] = (await client.get("/api/orders", params={"room": "XN1"})).json()
    assert work["id"] == order["id"]
    refused = await client.post(f"/api/visits/{visit['id']}/end", json={"outcome": "HOME"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/undone-orders")
    assert (await client.post(f"/api/orders/{order['id']}/begin")).json()["state"] == "DOING"
    result = {"id": str(new_id()), "value": "5,4"}
    reported = await client.post(f"/api/orders/{order['id']}/result", json=result)
    assert reported.json()["state"] == "REPORTED"
    approval = await client.post(f"/api/orders/{order['id']}/approval")
    assert approval.status_code == 403
    ended = await client.post(f"/api/visits/{visit['id']}/end", json={"outcome": "HOME"})
    assert ended.json()["state"] == "ENDED"
    assert (await client.get(f"/api/visits/{visit['id']}")).json()["outcome"] == "HOME"
    assert (await client.get(f"/api/visits/{visit['id']}/header")).json()["name"] == "Trần Thị Mẫu"
    assert len((await client.get(f"/api/visits/{visit['id']}/orders")).json()) == 2
    assert len((await client.get(f"/api/patients/{patient.id}/visits")).json()) == 1
    assert (await client.get("/api/queues/PK1")).json()["lines"][0]["state"] == "DONE"
    assert (await client.get(f"/api/orders/{order['id']}/results")).json()[0]["value"] == "5.4"


async def test_a_stay_over_http(
    client: httpx.AsyncClient, signed_in: SignedIn, session: AsyncSession
) -> None:
    await a_hospital(session)
    await signed_in(Role.DOCTOR)
    visit = await a_visit(session)
    body = {"id": str(new_id()), "visit_id": str(visit.id), "department": "K02"}
    stay = (await client.post("/api/stays", json=body)).json()
    placed = await client.post(f"/api/stays/{stay['id']}/bed", json={"bed": "B201-1"})
    assert placed.json()["bed"] == "B201-1"
    assert len((await client.get("/api/stays", params={"department": "K02"})).json()) == 1
    ended = await client.post(f"/api/stays/{stay['id']}/discharge", json={"outcome": "HOME"})
    assert ended.json()["state"] == "ENDED"
    assert (await client.get(f"/api/stays/{stay['id']}")).json()["bed"] is None


async def test_the_board_is_public_and_masked(client: httpx.AsyncClient, session: AsyncSession) -> None:
    await a_hospital(session)
    answer = await client.get("/api/boards/A")
    assert [room["room"] for room in answer.json()["rooms"]] == ["PK1", "PK2"]


async def test_code_lists_over_http(
    client: httpx.AsyncClient, signed_in: SignedIn, session: AsyncSession
) -> None:
    await load_code_lists(session)
    await a_hospital(session)
    await signed_in(Role.DOCTOR)
    for path, params, expected in (
        ("icd10", {"q": "F32.1"}, "F32.1"),
        ("provinces", {}, "01"),
        ("wards", {"q": "cam thanh"}, "21025"),
        ("ethnic-groups", {}, "01"),
        ("departments", {}, "K01"),
        ("rooms", {"area": "A"}, "PK1"),
    ):
        found = await client.get(f"/api/catalogs/{path}", params=params)
        assert found.json()[0]["code"] == expected, path
    assert (await client.get("/api/catalogs/drugs", params={"q": "x"})).json() == []
    many = await client.get("/api/catalogs/icd10", params={"q": "benh", "limit": 500})
    assert len(many.json()) == 50


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("POST", "/api/patients", Role.CASHIER),
        ("POST", "/api/visits", Role.LAB),
        ("POST", "/api/orders", Role.RECEPTION),
        ("POST", "/api/queues/PK1/calls", Role.RECEPTION),
        ("POST", "/api/stays", Role.NURSE),
        ("POST", f"/api/orders/{NOBODY}/approval", Role.NURSE),
        ("POST", f"/api/episodes/{NOBODY}/credit", Role.DOCTOR),
        ("GET", f"/api/patients/{NOBODY}", Role.ADMIN),
    ],
)
async def test_the_wrong_person_is_refused(
    client: httpx.AsyncClient, signed_in: SignedIn, method: str, path: str, role: Role
) -> None:
    assert (await client.request(method, path)).status_code in (401, 403)
    await signed_in(role)
    assert (await client.request(method, path, json={})).status_code == 403


async def test_every_operation_of_the_registry_has_a_name(app: Litestar) -> None:
    schema = app.openapi_schema.to_schema()
    mine = [
        path for path in schema["paths"] if path.startswith(("/api/patients", "/api/visits", "/api/orders"))
    ]
    assert len(mine) > 12
