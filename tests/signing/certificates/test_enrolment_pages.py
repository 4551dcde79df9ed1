"""Pages and REST of enrolment: one's own by keyboard, anybody's by an administrator, refusals at their field."""

import base64
import re

import httpx
import pytest
from cryptography import x509
from sqlalchemy import select

from hospital.demo.pki import DemoPki
from kernel.ids import new_id
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.certificates.models import Certificate
from signing.pkcs11_uri import TokenUri
from tests.conftest import SignedIn
from tests.signing.certificates.asking import NEW_PIN, issue
from tests.signing.certificates.sending import numbered, pem
from tests.signing.holders import NAME
from tests.signing.tokens import TOKEN_PIN, SoftHsm

pytestmark = pytest.mark.anyio
FORM = {"algorithm": "EC_P256", "pin": NEW_PIN, "pin_again": NEW_PIN}


async def asked(client: httpx.AsyncClient, **more: str) -> str:
    """Fill in the form and return the address of the request's page."""
    page = (await client.get("/sign/enrolments/new")).text
    found = re.search(r'name="id" value="([^"]+)"', page)
    assert found is not None
    answer = await client.post("/sign/enrolments/new", data=FORM | {"id": found[1]} | more)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_a_doctor_asks_takes_the_file_and_brings_the_certificate_back(
    client: httpx.AsyncClient, person: Actor, services: Services, pki: DemoPki
) -> None:
    assert "/sign/enrolments/new" in (await client.get("/sign/certificates")).text
    place = await asked(client)
    assert "Đang xin cấp" in (await client.get("/sign/certificates")).text
    page = (await client.get(place)).text
    assert "Chờ cấp" in page
    assert f"CN={NAME}" in page
    file = await client.get(f"{place}/request.pem")
    assert file.headers["content-type"] == "application/x-pem-file"
    assert ".csr.pem" in file.headers["content-disposition"]
    issued = {"file": ("a.pem", pem(issue(pki, x509.load_pem_x509_csr(file.content)), pki.issuing))}
    wrong = await client.post(f"{place}/certificate", data={"pin": "sai"}, files=issued)
    assert (wrong.status_code, "chưa nhận chứng thư" in wrong.text) == (422, True)
    assert 'href="#pin"' in wrong.text
    strange = {"file": ("a.pem", pem(pki.issuing))}
    other = await client.post(f"{place}/certificate", data={"pin": NEW_PIN}, files=strange)
    assert (other.status_code, "khóa công khai khác" in other.text) == (422, True)
    done = await client.post(f"{place}/certificate", data={"pin": NEW_PIN}, files=issued)
    assert (done.status_code, done.headers["location"]) == (303, place)
    page = (await client.get(place)).text
    assert "Đã cấp." in page
    assert "Nhận chứng thư" not in page
    assert "Đang xin cấp" not in (await client.get("/sign/certificates")).text


async def test_the_form_says_what_is_wrong_and_keeps_no_pin(client: httpx.AsyncClient, person: Actor) -> None:
    data = FORM | {"id": str(new_id())}
    differ = await client.post("/sign/enrolments/new", data=data | {"pin_again": "khac-han-1"})
    assert (differ.status_code, 'href="#pin_again"' in differ.text) == (422, True)
    assert NEW_PIN not in differ.text
    short = await client.post("/sign/enrolments/new", data=data | {"pin": "123", "pin_again": "123"})
    assert (short.status_code, "ít nhất 6 ký tự" in short.text) == (422, True)
    odd = await client.post("/sign/enrolments/new", data=data | {"id": "khong-phai"})
    assert (odd.status_code, "tải lại trang" in odd.text) == (422, True)
    place = await asked(client)
    second = await client.post("/sign/enrolments/new", data=data)
    assert (second.status_code, "huỷ nó trước" in second.text) == (422, True)
    silent = await client.post(f"{place}/cancellation", data={"reason": " "})
    assert (silent.status_code, 'href="#reason"' in silent.text) == (422, True)
    gone = await client.post(f"{place}/cancellation", data={"reason": "Nhầm tên khoa"})
    assert gone.status_code == 303
    assert "Nhầm tên khoa" in (await client.get(place)).text


async def test_others_see_nothing_and_a_doctor_asks_for_nobody_else(
    client: httpx.AsyncClient, person: Actor, signed_in: SignedIn
) -> None:
    place = await asked(client)
    await signed_in(Role.DOCTOR)
    assert (await client.get(place)).status_code == 404
    assert (await client.get(f"{place}/request.pem")).status_code == 404
    assert (await client.post(f"{place}/cancellation", data={"reason": "phá"})).status_code == 404
    assert 'name="staff"' not in (await client.get("/sign/enrolments/new")).text
    data = FORM | {"id": str(new_id()), "staff": str(person.id)}
    refused = await client.post("/sign/enrolments/new", data=data)
    assert (refused.status_code, "Chỉ quản trị" in refused.text) == (422, True)


async def test_an_administrator_asks_for_a_key_inside_a_token(
    client: httpx.AsyncClient, services: Services, signed_in: SignedIn, softhsm: SoftHsm
) -> None:
    token = softhsm.new_token("xin-o-trang")
    person = await numbered(services, await signed_in(Role.DOCTOR, name=NAME))
    await signed_in(Role.ADMIN)
    form = (await client.get("/sign/enrolments/new")).text
    assert f"xin-o-trang · sê-ri {token.serial}" in form
    address = str(TokenUri(token=token.token, serial=token.serial, module=token.module))
    given = {"staff": str(person.id), "key_kind": "PKCS11", "token": address}
    place = await asked(client, **given, pin=TOKEN_PIN, pin_again="")
    page = (await client.get(place)).text
    assert "HSM hoặc token ở máy chủ" in page
    assert 'id="pin"' not in page
    assert NAME in (await client.get("/admin/certificates")).text
    wrong = await client.post(f"{place}/cancellation", data={"reason": "Thôi", "cancel_pin": "000000"})
    assert (wrong.status_code, 'href="#cancel_pin"' in wrong.text) == (422, True)
    gone = await client.post(f"{place}/cancellation", data={"reason": "Thôi", "cancel_pin": TOKEN_PIN})
    assert gone.status_code == 303


async def test_programs_walk_the_same_way(
    client: httpx.AsyncClient, person: Actor, services: Services, pki: DemoPki
) -> None:
    command = {"id": str(new_id()), "staff_id": str(person.id), "algorithm": "EC_P256", "pin": NEW_PIN}
    made = await client.post("/api/signing/enrolments", json=command)
    assert (made.status_code, made.json()["state"]) == (201, "REQUESTED")
    assert (await client.post("/api/signing/enrolments", json=command)).json() == made.json()
    twice = await client.post("/api/signing/enrolments", json=command | {"id": str(new_id())})
    assert (twice.status_code, twice.json()["type"]) == (409, "/problems/enrolment-open")
    place = f"/api/signing/enrolments/{command['id']}"
    assert [one["id"] for one in (await client.get("/api/signing/enrolments")).json()] == [command["id"]]
    assert (await client.get(place)).json() == made.json()
    request = x509.load_pem_x509_csr((await client.get(f"{place}/request.pem")).content)
    bad = await client.post(f"{place}/certificate", json={"file": "?", "pin": NEW_PIN})
    assert (bad.status_code, bad.json()["type"]) == (422, "/problems/bad-certificate-file")
    file = base64.b64encode(pem(issue(pki, request))).decode()
    taken = await client.post(f"{place}/certificate", json={"file": file, "pin": NEW_PIN})
    assert (taken.status_code, taken.json()["state"]) == (201, "ACTIVE")
    over = await client.post(f"{place}/cancellation", json={"reason": "Thôi"})
    assert (over.status_code, over.json()["type"]) == (409, "/problems/enrolment-over")
    async with services.sessions() as session:
        row = await session.scalar(select(Certificate))
    assert row is not None
    assert (row.state, str(row.id)) == ("ACTIVE", taken.json()["id"])
