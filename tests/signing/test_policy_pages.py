"""Rules of who signs with what, on their page and by REST."""

import httpx
import pytest
from sqlalchemy import select

from kernel.services import Services
from kernel.staff.api import Role
from signing.policy.models import PolicyRule
from tests.conftest import SignedIn
from tests.signing.holders import NAME


async def test_rules_are_set_replaced_and_dropped_on_the_page_and_by_rest(
    client: httpx.AsyncClient, services: Services, signed_in: SignedIn
) -> None:
    person = await signed_in(Role.DOCTOR, name=NAME)
    await signed_in(Role.ADMIN)
    form = {
        "who": str(person.id),
        "document_kind": "GRV",
        "first": "PKCS11",
        "second": "CSC",
        "reason": "Điều 5",
    }
    assert (await client.post("/admin/signing-policy", data=form)).status_code == 303
    assert (await client.post("/admin/signing-policy", data=form | {"second": ""})).status_code == 303
    page = (await client.get("/admin/signing-policy")).text
    assert NAME in page
    assert "Điều 5" in page
    (rule,) = (await client.get("/api/signing/policy")).json()
    assert (rule["key_kinds"], rule["document_kind"], rule["staff_name"]) == (["PKCS11"], "GRV", NAME)
    body = {"organisation": True, "key_kinds": ["PKCS11"]}
    assert (await client.put("/api/signing/policy", json=body)).status_code == 200
    assert (await client.post(f"/admin/signing-policy/{rule['id']}/removal")).status_code == 303
    (left,) = (await client.get("/api/signing/policy")).json()
    assert left["organisation"] is True
    assert (await client.delete(f"/api/signing/policy/{left['id']}")).status_code == 204
    assert (await client.delete(f"/api/signing/policy/{left['id']}")).status_code == 404


@pytest.mark.parametrize(
    "change",
    [{"first": ""}, {"second": "PKCS12"}, {"document_kind": "a b"}, {"who": "x"}, {"first": "FAX"}],
)
async def test_rules_that_mean_nothing_are_refused(
    change: dict[str, str], client: httpx.AsyncClient, services: Services, signed_in: SignedIn
) -> None:
    await signed_in(Role.ADMIN)
    form = {"who": "", "document_kind": "", "first": "PKCS12", "second": ""} | change
    answer = await client.post("/admin/signing-policy", data=form)
    assert answer.status_code == 422
    assert "Chưa lưu được" in answer.text
    async with services.sessions() as session:
        assert (await session.scalars(select(PolicyRule))).all() == []


async def test_rest_refuses_a_rule_for_a_person_and_the_organisation(
    client: httpx.AsyncClient, services: Services, signed_in: SignedIn
) -> None:
    admin = await signed_in(Role.ADMIN)
    body = {"organisation": True, "staff_id": str(admin.id), "key_kinds": ["PKCS12"]}
    answer = await client.put("/api/signing/policy", json=body)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/bad-rule")
