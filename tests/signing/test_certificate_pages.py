"""Pages and REST of certificates, policy and rehearsals: by the right person and the wrong one."""

import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from litestar import Litestar
from msgspec.structs import replace
from sqlalchemy import select, update

from hospital.demo.pki import DemoPki, Holder
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.services import Services
from kernel.staff.api import Actor, Role
from kernel.staff.models import StaffAccount
from signing.certificates.models import Certificate
from signing.certificates.pages import months_of
from signing.certificates.service import view_of
from signing.certificates.watch import warn_of_ends
from signing.key_kinds import KeyKind
from signing.policy.models import PolicyRule
from signing.rehearsal.models import Rehearsal
from signing.rehearsal.service import readiness, rehearse
from tests.conftest import SignedIn
from tests.signing.conftest import PIN
from tests.signing.hospital import (
    authority_client,
    give_certificate,
    give_token_certificate,
    signing_settings,
    with_authority,
)
from tests.signing.tokens import TOKEN_PIN, SoftHsm

pytestmark = pytest.mark.anyio
NAME, NUMBER = "Nguyễn Thị Hương", "001180000001"


@pytest.fixture
def settings(settings: Settings, pki: DemoPki, tmp_path: Path) -> Settings:
    made = signing_settings(settings, pki)
    return replace(made, signing=replace(made.signing, rehearsal_free_bytes=1))


@pytest.fixture
async def services(app: Litestar, pki: DemoPki) -> AsyncIterator[Services]:
    async with authority_client(pki) as http:
        app.state.services = with_authority(app.state.services, http)
        yield app.state.services


async def numbered(services: Services, actor: Actor, number: str = NUMBER) -> Actor:
    async with services.sessions.begin() as session:
        await session.execute(
            update(StaffAccount).where(StaffAccount.id == actor.id).values(citizen_id=number)
        )
    return actor


def key_file(pki: DemoPki, pin: str, name: str = NAME, days: int = 400) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    holder = Holder("x", name, f"CCCD:{NUMBER}", organisation="Bệnh viện Đa khoa Ví Dụ")
    certificate, _ = pki.issue(holder, key, now=utc_now(), days=days)
    return pkcs12.serialize_key_and_certificates(
        b"x", key, certificate, [pki.issuing], BestAvailableEncryption(pin.encode())
    )


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
    holder = Holder("x", NAME, f"CCCD:{NUMBER}")
    certificate, _ = pki.issue(holder, ec.generate_private_key(ec.SECP256R1()), now=utc_now())
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
    holder = Holder("x", NAME, f"CCCD:{NUMBER}")
    certificate, _ = pki.issue(holder, ec.generate_private_key(ec.SECP256R1()), now=utc_now())
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
    softhsm.certify(pki, Holder("x", NAME, f"CCCD:{NUMBER}"), softhsm.new_token("offered"), b"\x01")
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


async def test_a_rehearsal_tries_everything_and_says_ready(
    client: httpx.AsyncClient, services: Services, signed_in: SignedIn, settings: Settings, pki: DemoPki
) -> None:
    actor = await signed_in(Role.DOCTOR, name=NAME)
    await give_certificate(services.sessions, settings, pki, actor)
    assert "Ký thử" in (await client.get("/sign/rehearsal")).text
    wrong = await client.post("/sign/rehearsal", data={"pin": "000000"})
    assert wrong.status_code == 422
    assert "Bạn chưa sẵn sàng ký." in wrong.text
    right = await client.post("/sign/rehearsal", data={"pin": PIN})
    assert right.status_code == 200, right.text
    assert "Bạn sẵn sàng ký." in right.text
    made = (await client.post("/api/signing/rehearsals", json={"pin": PIN})).json()
    assert [check["name"] for check in made["checks"]] == [
        "certificate", "status", "pin", "stamp", "font", "space",
    ]  # fmt: skip
    assert all(check["passed"] for check in made["checks"])
    async with services.sessions() as session:
        assert len((await session.scalars(select(Rehearsal))).all()) == 3


async def test_a_token_is_rehearsed_too(
    services: Services, signed_in: SignedIn, settings: Settings, pki: DemoPki, softhsm: SoftHsm
) -> None:
    actor = await signed_in(Role.DOCTOR, name=NAME)
    await give_token_certificate(services.sessions, settings, pki, softhsm, actor)
    assert (await rehearse(services, actor, TOKEN_PIN, now=utc_now())).ready
    softhsm.pull()
    try:
        result = await rehearse(services, actor, TOKEN_PIN, now=utc_now())
    finally:
        softhsm.put_back()
    (pin,) = [check for check in result.checks if check.name == "pin"]
    assert (result.ready, pin.passed) == (False, False)
    assert "cắm lại token" in pin.words


@pytest.mark.parametrize(
    ("broken", "check"),
    [("tsa", "stamp"), ("no-tsa", "stamp"), ("authority", "status"), ("space", "space"), ("font", "font")],
)
async def test_each_thing_that_is_missing_is_named(
    broken: str,
    check: str,
    services: Services,
    signed_in: SignedIn,
    settings: Settings,
    pki: DemoPki,
) -> None:
    actor = await signed_in(Role.DOCTOR, name=NAME)
    await give_certificate(services.sessions, settings, pki, actor)
    signing = {
        "tsa": replace(settings.signing, tsa_urls=("http://pki.test/nowhere",)),
        "no-tsa": replace(settings.signing, tsa_urls=()),
        "authority": replace(settings.signing, status_keep_minutes=0),
        "space": replace(settings.signing, rehearsal_free_bytes=10**18),
    }.get(broken, settings.signing)
    changed = replace(services, settings=replace(settings, signing=signing))
    if broken == "font":
        actor = replace(actor, name="Nguyễn 𠀋")
    if broken == "authority":
        dead = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503)))
        changed = replace(changed, http=dead)
    result = await rehearse(changed, actor, PIN, now=utc_now())
    failed = {one.name for one in result.checks if one.passed is False}
    assert not result.ready
    assert check in failed
    assert "pin" not in failed


async def test_the_table_of_all_signers_says_who_is_not_ready_and_prints_it(
    client: httpx.AsyncClient, services: Services, signed_in: SignedIn, settings: Settings, pki: DemoPki
) -> None:
    ready = await signed_in(Role.DOCTOR, name=NAME)
    await give_certificate(services.sessions, settings, pki, ready)
    await rehearse(services, ready, PIN, now=utc_now())
    await signed_in(Role.NURSE, name="Lê Thị Chưa Có")
    await signed_in(Role.CASHIER, name="Người Không Ký")
    await give_certificate(services.sessions, settings, pki, None)
    await signed_in(Role.ADMIN)
    assert (await client.post("/admin/rehearsals/organisation")).status_code == 303
    page = (await client.get("/admin/rehearsals")).text
    assert "Lê Thị Chưa Có" in page
    assert "Người Không Ký" not in page
    paper = (await client.get("/admin/rehearsals/print")).text
    assert "Lê Thị Chưa Có" in paper
    assert NAME not in paper
    assert settings.kernel.facility.name in paper
    listed = {one["name"]: one for one in (await client.get("/api/signing/rehearsals")).json()}
    assert listed[NAME]["ready"] is True
    assert listed["Lê Thị Chưa Có"]["reason"] == "Chưa có chứng thư số"
    assert listed[settings.kernel.facility.name]["ready"] is True


async def test_a_rehearsal_grows_old_and_belongs_to_one_certificate(
    services: Services, signed_in: SignedIn, settings: Settings, pki: DemoPki
) -> None:
    actor = await signed_in(Role.DOCTOR, name=NAME)
    await give_certificate(services.sessions, settings, pki, actor)

    async def reason(days: int = 0) -> str:
        async with services.sessions() as session:
            now = utc_now() + timedelta(days=days)
            listed = await readiness(session, facility="BV", keep_days=30, now=now)
        return next(one.reason for one in listed if one.staff_id == actor.id)

    assert await reason() == "Chưa thử lần nào"
    await rehearse(services, actor, "sai-pin", now=utc_now())
    assert await reason() == "Chưa đạt: mã pin và khóa"
    await rehearse(services, actor, PIN, now=utc_now())
    assert await reason() == ""
    assert await reason(31) == "Lần thử đã quá lâu"
    await give_certificate(services.sessions, settings, pki, actor)
    assert await reason() == "Đã đổi chứng thư sau lần thử"
    assert KeyKind.PKCS12 == "PKCS12"
