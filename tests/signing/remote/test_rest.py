"""Remote signing for programs: start, look, cancel as JSON; every refusal is a problem document and signs nothing."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from hospital.demo.outside import csc
from hospital.demo.pki import DemoPki
from kernel.clock import utc_now
from kernel.ids import new_id
from kernel.staff.api import SYSTEM, Role
from signing.documents.models import Signature
from signing.policy.models import PolicyRule
from signing.remote.finish import finish_remote
from signing.remote.models import RemoteSitting
from signing.remote.sittings import get_sitting
from tests.conftest import RealDatabase
from tests.signing.hospital import give_certificate
from tests.signing.remote.hospital import (
    NUMBER,
    Mood,
    RemoteHospital,
    approved,
    ask,
    is_free,
    remote_hospital,
    signatures,
    some_documents,
)

pytestmark = pytest.mark.anyio
PATH = "/api/signing/remote-sittings"
NOBODY = UUID(int=5)


async def start(client: httpx.AsyncClient, ids: list[UUID], **more: Any) -> httpx.Response:
    return await client.post(PATH, json={"documents": [str(key) for key in ids], **more})


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert answer.json()["detail"]
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def nothing_began(house: RemoteHospital) -> bool:
    """Tell whether no sitting waits and no document was signed."""
    async with house.services.sessions() as session:
        waiting = select(func.count()).select_from(RemoteSitting).where(RemoteSitting.ended_at.is_(None))
        signed = select(func.count()).select_from(Signature)
        return await session.scalar(waiting) == 0 and await session.scalar(signed) == 0


async def test_a_program_starts_looks_and_finds_the_documents_signed(house: RemoteHospital) -> None:
    client, ids = house.db.client, await some_documents(house, 2)
    started = await start(client, ids)
    assert started.status_code == 201, started.text
    sitting = started.json()
    assert (sitting["state"], sitting["ended"], sitting["key_kind"]) == ("WAITING", False, "CSC")
    assert [(one["id"], one["state"]) for one in sitting["documents"]] == [
        (str(key), "WAITING") for key in ids
    ]
    assert set(sitting["documents"][0]) == {"id", "title", "sha256", "state", "reason"}
    assert (await client.get(f"{PATH}/{sitting['id']}")).json() == sitting
    await house.answer()
    done = (await client.get(f"{PATH}/{sitting['id']}")).json()
    assert (done["state"], done["ended"], done["signed"]) == ("SIGNED", True, 2)
    assert await signatures(house.services, ids) == 2


async def test_a_program_cancels_and_the_documents_wait_again(house: RemoteHospital) -> None:
    client, ids = house.db.client, await some_documents(house)
    place = f"{PATH}/{(await start(client, ids)).json()['id']}"
    cancelled = await client.post(f"{place}/cancellation")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "CANCELLED")
    assert cancelled.json()["documents"][0]["state"] == "FAILED"
    assert await is_free(house.services, ids)
    assert problem(await client.post(f"{place}/cancellation")) == (409, "wrong-sitting-state")


async def test_a_code_is_sent_and_answers_at_once(real_db: RealDatabase, pki: DemoPki) -> None:
    async with remote_hospital(real_db, pki, explicit=True) as house:
        client, ids = real_db.client, await some_documents(house)
        sent = await client.post(f"{PATH}/codes", json={"documents": [str(ids[0])]})
        assert (sent.status_code, sent.content) == (204, b"")
        done = await start(client, ids, pin=csc.PIN, otp=house.provider.codes["KEY-1"])
        assert (done.status_code, done.json()["state"], done.json()["signed"]) == (201, "SIGNED", 1)


async def test_a_code_goes_to_the_key_that_signs_these_documents(real_db: RealDatabase, pki: DemoPki) -> None:
    async with remote_hospital(real_db, pki, explicit=True) as house:
        settings, ids = house.services.settings, await some_documents(house)
        await give_certificate(house.services.sessions, settings, pki, house.doctor, number=NUMBER)
        async with house.services.sessions.begin() as session:
            made = {"owner_kind": "STAFF", "staff_id": house.doctor.id, "reason": "thử", "set_by": SYSTEM.id}
            for kind, keys in (("", ["PKCS12", "CSC"]), ("PKB", ["CSC"])):
                rule = {"id": new_id(), "document_kind": kind, "key_kinds": keys, "set_at": utc_now()}
                session.add(PolicyRule(**made, **rule))
        client = real_db.client
        assert problem(await client.post(f"{PATH}/codes", json={})) == (409, "sign-another-way")
        assert house.provider.codes == {}
        sent = await client.post("/sign/remote/otp", data={"document": str(ids[0])})
        assert "Đã gửi mã OTP" in sent.text
        assert (await client.post(f"{PATH}/codes", json={"documents": [str(ids[0])]})).status_code == 204
        assert list(house.provider.codes) == ["KEY-1"]


@pytest.mark.parametrize(
    ("pin", "otp", "refused"),
    [("000000", "123456", (422, "wrong-pin")), (csc.PIN, "654321", (422, "wrong-otp"))],
)
async def test_a_wrong_secret_is_told_and_not_repeated(
    real_db: RealDatabase, pki: DemoPki, pin: str, otp: str, refused: tuple[int, str]
) -> None:
    async with remote_hospital(real_db, pki, explicit=True) as house:
        house.provider.codes["KEY-1"] = "123456"
        ids = await some_documents(house)
        answer = await start(real_db.client, ids, pin=pin, otp=otp)
        assert problem(answer) == refused
        assert pin not in answer.text
        assert otp not in answer.text
        assert await nothing_began(house)
        assert await is_free(house.services, ids)


async def unusable(house: RemoteHospital) -> None:
    house.provider.holdings["KEY-1"].enabled = False


async def unknown(house: RemoteHospital) -> None:
    del house.provider.holdings["KEY-1"]


async def revoked(house: RemoteHospital) -> None:
    house.pki.revoke(house.provider.holdings["KEY-1"].certificate, at=utc_now())


async def exchanged(house: RemoteHospital) -> None:
    house.provider.mood = Mood.ANOTHER_CERTIFICATE


async def down(house: RemoteHospital) -> None:
    house.provider.mood = Mood.ERROR


async def not_set_up(house: RemoteHospital) -> None:
    signing = replace(house.services.settings.signing, csc_url="")
    settings = replace(house.services.settings, signing=signing)
    house.services = house.db.app.state.services = replace(house.services, settings=settings)


async def unclear_standing(house: RemoteHospital) -> None:
    signing = replace(house.services.settings.signing, block_when_status_unreachable=True)
    settings = replace(house.services.settings, signing=signing)
    house.services = house.db.app.state.services = replace(house.services, settings=settings)
    mood = await house.services.http.post("http://pki.test/outside/pki/mood", json={"mode": "garbage"})
    assert mood.is_success


@pytest.mark.parametrize(
    ("spoil", "refused"),
    [
        (unusable, (422, "credential-unusable")),
        (unknown, (422, "remote-signing-refused")),
        (revoked, (422, "certificate-revoked")),
        (exchanged, (409, "certificate-changed")),
        (down, (409, "remote-signing-unreachable")),
        (not_set_up, (422, "remote-signing-refused")),
        (unclear_standing, (409, "status-unreachable")),
    ],
)
async def test_a_sitting_that_cannot_begin_is_refused_in_words(
    house: RemoteHospital, spoil: Callable[[RemoteHospital], Awaitable[None]], refused: tuple[int, str]
) -> None:
    ids = await some_documents(house)
    await spoil(house)
    assert problem(await start(house.db.client, ids)) == refused
    assert await nothing_began(house)
    assert await is_free(house.services, ids)


async def test_what_may_not_be_asked_for_is_refused(house: RemoteHospital) -> None:
    client, ids = house.db.client, await some_documents(house, 2)
    house.provider.holdings["KEY-1"].multisign = 1
    assert problem(await start(client, ids)) == (422, "batch-too-large")
    assert problem(await start(client, [new_id() for _ in range(600)])) == (422, "batch-too-large")
    assert problem(await start(client, [NOBODY])) == (422, "nothing-to-sign")
    assert (await start(client, [])).status_code == 400
    assert (await start(client, ids, pin=None)).status_code == 400
    assert (await start(client, ids, sad="x")).status_code == 400
    assert (await client.post(f"{PATH}/codes", json={"document": []})).status_code == 400
    assert await nothing_began(house)
    assert await is_free(house.services, ids)


async def test_who_has_no_such_key_is_told_so(house: RemoteHospital) -> None:
    ids = await some_documents(house)
    async with house.db.browser() as other:
        actor = await house.db.sign_in(Role.DOCTOR, client=other, name="Trần Văn Bình")
        assert problem(await start(other, ids)) == (404, "no-certificate")
        assert problem(await other.post(f"{PATH}/codes", json={})) == (404, "no-certificate")
        settings = house.services.settings
        await give_certificate(house.services.sessions, settings, house.pki, actor, number="001180000002")
        assert problem(await start(other, ids)) == (409, "sign-another-way")
        assert problem(await other.post(f"{PATH}/codes", json={})) == (409, "sign-another-way")
    assert house.provider.calls == []
    assert await nothing_began(house)


@pytest.mark.parametrize(("spoil", "refused"), [(down, 409), (unknown, 422)])
async def test_a_code_that_cannot_be_sent_is_told(
    house: RemoteHospital, spoil: Callable[[RemoteHospital], Awaitable[None]], refused: int
) -> None:
    await spoil(house)
    slug = "remote-signing-unreachable" if refused == 409 else "remote-signing-refused"
    assert problem(await house.db.client.post(f"{PATH}/codes", json={})) == (refused, slug)


async def test_a_sitting_is_its_owners_alone(house: RemoteHospital) -> None:
    sitting, ids = await ask(house)
    place = f"{PATH}/{sitting.id}"
    async with house.db.browser() as stranger:
        assert (await stranger.get(place)).status_code == 401
        await stranger.get("/login")
        assert (await stranger.post(f"{place}/cancellation")).status_code == 401
        assert (await start(stranger, ids)).status_code == 401
        assert (await stranger.post(f"{PATH}/codes", json={})).status_code == 401
        for role in (Role.DOCTOR, Role.DIRECTOR, Role.ADMIN):
            await house.db.sign_in(role, client=stranger)
            assert problem(await stranger.get(place)) == (404, "sitting-not-found")
            assert problem(await stranger.post(f"{place}/cancellation")) == (404, "sitting-not-found")
    assert problem(await house.db.client.get(f"{PATH}/{NOBODY}")) == (404, "sitting-not-found")
    assert problem(await house.db.client.post(f"{PATH}/{NOBODY}/cancellation")) == (404, "sitting-not-found")
    house.db.client.event_hooks = {"request": []}  # As another site's page would send it, without our token.
    assert (await house.db.client.post(f"{place}/cancellation")).status_code == 403
    async with house.services.sessions() as session:
        assert (await get_sitting(session, sitting.id)).state == "WAITING"


async def test_it_is_too_late_to_cancel_what_was_approved(
    house: RemoteHospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*_: object, **__: object) -> None:
        raise SystemExit

    sitting, ids = await ask(house)
    place = f"{PATH}/{sitting.id}/cancellation"
    with monkeypatch.context() as patch:
        patch.setattr("signing.remote.finish._put_into_files", killed)
        with pytest.raises(SystemExit):
            await finish_remote(house.services, sitting.id, utc_now(), sad=await approved(house))
    assert problem(await house.db.client.post(place)) == (409, "being-completed")
    assert await signatures(house.services, ids) == 0


async def test_a_signed_sitting_is_not_cancelled(house: RemoteHospital) -> None:
    sitting, ids = await ask(house)
    await house.answer()
    answer = await house.db.client.post(f"{PATH}/{sitting.id}/cancellation")
    assert problem(answer) == (409, "wrong-sitting-state")
    assert await signatures(house.services, ids) == 1


async def test_the_description_of_the_interface_names_each_step(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/schema/openapi.json")).json()["paths"]
    ours = {
        (path.removeprefix(PATH), method): operation
        for path, operations in paths.items()
        if path.startswith(PATH)
        for method, operation in operations.items()
    }
    assert {key: operation["operationId"] for key, operation in ours.items()} == {
        ("", "post"): "startRemoteSitting",
        ("/codes", "post"): "sendRemoteSigningCode",
        ("/{sitting_id}", "get"): "getRemoteSitting",
        ("/{sitting_id}/cancellation", "post"): "cancelRemoteSitting",
    }
    body = ours["", "post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert body.endswith("StartRemote")
