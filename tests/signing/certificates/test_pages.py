"""Pages and REST of certificates: by the right person and the wrong one."""

import base64
from datetime import timedelta

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace
from sqlalchemy import select

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.services import Services
from kernel.staff.api import Role
from signing.certificates.models import Certificate
from signing.certificates.pages import months_of
from signing.certificates.service import view_of
from signing.certificates.watch import warn_of_ends
from tests.conftest import SignedIn
from tests.signing.certificates.sending import key_file, numbered
from tests.signing.holders import NAME, holder
from tests.signing.hospital import give_certificate
from tests.signing.tokens import SoftHsm


@pytest.mark.parametrize(
    "path",
    ["/admin/certificates", "/admin/certificates/new", "/admin/signing-policy", "/admin/rehearsals"],
)
async def test_the_administration_is_closed_to_others(
    path: str, client: httpx.AsyncClient, services: Services, signed_in: SignedIn
) -> None:
    await signed_in(Role.NURSE)
    assert (await client.get(path)).status_code == 403


async def test_an_administrator_registers_a_key_file_for_somebody(
    client: httpx.AsyncClient, services: Services, signed_in: SignedIn, pki: DemoPki
) -> None:
    person = await numbered(services, await signed_in(Role.DOCTOR, name=NAME))
    await signed_in(Role.ADMIN)
    page = await client.get("/admin/certificates/new")
    assert NAME in page.text
    form = {"staff": str(person.id), "key_kind": "PKCS12", "pin": "pin-cua-tep-1"}
    file = {"file": ("a.p12", key_file(pki, "pin-cua-tep-1", days=20))}
    refused = await client.post("/admin/certificates/new", data=form | {"pin": "sai"}, files=file)
    assert refused.status_code == 422
    assert "Mã PIN không đúng." in refused.text
    assert "pin-cua-tep-1" not in refused.text
    answer = await client.post("/admin/certificates/new", data=form, files=file)
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/certificates?done=registered")
    page = await client.get("/admin/certificates")
    assert NAME in page.text
    assert "còn 18 ngày" in page.text or "còn 19 ngày" in page.text
    async with services.sessions() as session:
        row = await session.scalar(select(Certificate))
    assert row is not None
    gone = await client.post(f"/admin/certificates/{row.id}/retirement")
    assert gone.status_code == 303
    assert NAME in (await client.get("/admin/certificates?ended=true")).text


async def test_a_name_that_differs_is_said_with_both_values(
    client: httpx.AsyncClient, services: Services, signed_in: SignedIn, pki: DemoPki
) -> None:
    await numbered(services, await signed_in(Role.DOCTOR, name=NAME))
    file = {"file": ("a.p12", key_file(pki, "p", name="Trần Văn Khác"))}
    answer = await client.post("/sign/certificates", data={"key_kind": "PKCS12", "pin": "p"}, files=file)
    assert answer.status_code == 422
    assert "Trần Văn Khác" in answer.text
    assert NAME in answer.text


async def test_a_person_enrols_the_certificate_of_a_usb_token(
    client: httpx.AsyncClient, services: Services, signed_in: SignedIn, pki: DemoPki
) -> None:
    await numbered(services, await signed_in(Role.DOCTOR, name=NAME))
    certificate, _ = pki.issue(holder(), ec.generate_private_key(ec.SECP256R1()), now=utc_now())
    file = {"file": ("a.cer", certificate.public_bytes(Encoding.DER))}
    answer = await client.post("/sign/certificates", data={"key_kind": "TOKEN"}, files=file)
    assert answer.status_code == 303
    assert "USB token" in (await client.get("/sign/certificates")).text
    (mine,) = (await client.get("/api/signing/certificates/mine")).json()
    assert (mine["key_kind"], mine["name"]) == ("TOKEN", NAME)


async def test_a_remote_credential_is_registered_with_its_name_at_the_provider(
    client: httpx.AsyncClient, services: Services, signed_in: SignedIn, pki: DemoPki
) -> None:
    await numbered(services, await signed_in(Role.DOCTOR, name=NAME))
    certificate, _ = pki.issue(holder(), ec.generate_private_key(ec.SECP256R1()), now=utc_now())
    file = {"file": ("a.cer", certificate.public_bytes(Encoding.DER))}
    nameless = await client.post("/sign/certificates", data={"key_kind": "CSC"}, files=file)
    assert nameless.status_code == 422
    assert "mã chứng thực (credential ID)" in nameless.text
    answer = await client.post(
        "/sign/certificates", data={"key_kind": "CSC", "credential": "c-1"}, files=file
    )
    assert answer.status_code == 303
    (mine,) = (await client.get("/api/signing/certificates/mine")).json()
    assert (mine["key_kind"], mine["key_name"]) == ("CSC", "c-1")


async def test_an_object_of_a_plugged_in_token_is_offered_and_registered(
    client: httpx.AsyncClient, services: Services, signed_in: SignedIn, pki: DemoPki, softhsm: SoftHsm
) -> None:
    person = await numbered(services, await signed_in(Role.DOCTOR, name=NAME))
    softhsm.certify(pki, holder(), softhsm.new_token("offered"), b"\x01")
    await signed_in(Role.ADMIN)
    assert "offered" in (await client.get("/admin/certificates/new")).text
    tokens = (await client.get("/api/signing/tokens")).json()
    (uri,) = next(token["objects"] for token in tokens if token["label"] == "offered")
    body = {"key_kind": "PKCS11", "staff_id": str(person.id), "key_name": uri}
    answer = await client.post("/api/signing/certificates", json=body)
    assert (answer.status_code, answer.json()["key_name"]) == (201, uri)
    retired = await client.delete(f"/api/signing/certificates/{answer.json()['id']}")
    assert retired.status_code == 204


async def test_rest_refuses_what_is_no_file(
    client: httpx.AsyncClient, services: Services, signed_in: SignedIn
) -> None:
    await signed_in(Role.ADMIN)
    for file in ("@@@", base64.b64encode(b"nothing").decode()):
        answer = await client.post("/api/signing/certificates", json={"key_kind": "TOKEN", "file": file})
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/bad-certificate-file")


async def test_a_warning_stands_on_the_inbox_until_it_is_read(
    client: httpx.AsyncClient, services: Services, signed_in: SignedIn, pki: DemoPki
) -> None:
    person = await numbered(services, await signed_in(Role.DOCTOR, name=NAME))
    file = {"file": ("a.p12", key_file(pki, "p", days=7))}
    await client.post("/sign/certificates", data={"key_kind": "PKCS12", "pin": "p"}, files=file)
    async with services.sessions.begin() as session:
        assert await warn_of_ends(session, now=utc_now()) == 1
    page = (await client.get("/sign")).text
    assert "Chứng thư số của Nguyễn Thị Hương còn" in page
    action = page.split('action="/sign/certificates/notices/')[1].split('"')[0]
    assert (await client.post(f"/sign/certificates/notices/{action}")).status_code == 303
    assert "Chứng thư số của Nguyễn Thị Hương còn" not in (await client.get("/sign")).text
    await signed_in(Role.ADMIN)
    assert (await client.get("/admin/certificates/badge")).text == "1"
    assert "Chứng thư số của Nguyễn Thị Hương còn" in (await client.get("/admin/certificates")).text
    assert (await client.post(f"/admin/certificates/notices/{action}")).status_code == 303
    assert (await client.get("/admin/certificates/badge")).text == ""
    assert person


async def test_somebody_elses_warning_cannot_be_put_aside(
    client: httpx.AsyncClient, services: Services, signed_in: SignedIn
) -> None:
    await signed_in(Role.DOCTOR)
    assert (await client.post(f"/sign/certificates/notices/{new_id()}/seen")).status_code == 404


async def test_the_calendar_has_twelve_months_and_puts_what_is_over_into_the_first(
    services: Services, signed_in: SignedIn, settings: Settings, pki: DemoPki
) -> None:
    actor = await signed_in(Role.DOCTOR, name=NAME)
    await give_certificate(services.sessions, settings, pki, actor)
    async with services.sessions() as session:
        row = await session.scalar(select(Certificate))
    assert row is not None
    view, now = view_of(row), utc_now()
    ends = {0: 0, 31: 1, -10: 0}
    for days, place in ends.items():
        months = months_of(
            [replace(view, not_after=now.replace(day=15) + timedelta(days=days))], now.replace(day=15)
        )
        assert [len(month.certificates) for month in months].index(1) == place
    assert len(months) == 12
    far = months_of([replace(view, not_after=now + timedelta(days=500))], now)
    assert all(not month.certificates for month in far)
