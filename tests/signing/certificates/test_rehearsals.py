"""A rehearsal tries everything that signing needs, and tells what is missing."""

from datetime import timedelta

import httpx
import pytest
from msgspec.structs import replace
from sqlalchemy import select

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.services import Services
from kernel.staff.api import Role
from signing.key_kinds import KeyKind
from signing.rehearsal.models import Rehearsal
from signing.rehearsal.service import readiness, rehearse
from tests.conftest import SignedIn
from tests.signing.holders import NAME, PIN
from tests.signing.hospital import give_certificate, give_token_certificate
from tests.signing.tokens import TOKEN_PIN, SoftHsm


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
