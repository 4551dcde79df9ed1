"""What goes wrong between us and the remote service: it is told in words, signs nothing wrong, holds no document."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from msgspec.structs import replace
from sqlalchemy import select

from hospital.demo.outside import csc
from hospital.demo.pki import DemoPki
from kernel.clock import utc_now
from signing.api import get_document
from signing.context import context_of
from signing.keys import WrongPin
from signing.remote.csc import (
    PKCS1_OID,
    CredentialUnusable,
    CscClient,
    CscRefused,
    CscUnreachable,
    WrongOtp,
)
from signing.remote.finish import WRONG_VALUE, finish_remote
from signing.remote.models import RemoteSitting
from signing.remote.rules import ItemState, SittingState
from signing.remote.service import NothingToSign, start_remote
from signing.remote.sittings import (
    BeingCompleted,
    CertificateChanged,
    cancel_sitting,
)
from signing.tasks.engine import _identity
from signing.tasks.service import BatchTooLarge
from tests.conftest import RealDatabase
from tests.signing.hospital import broken_object
from tests.signing.remote.hospital import (
    Mood,
    RemoteHospital,
    approved,
    ask,
    is_free,
    later,
    look,
    nothing_remembered,
    now_of,
    remote_hospital,
    signatures,
    some_documents,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("pin", "otp", "refusal"), [("000000", "123456", WrongPin), (csc.PIN, "654321", WrongOtp)]
)
async def test_a_wrong_secret_stops_after_one_try(
    real_db: RealDatabase, pki: DemoPki, pin: str, otp: str, refusal: type[Exception]
) -> None:
    async with remote_hospital(real_db, pki, explicit=True) as house:
        house.provider.codes["KEY-1"] = "123456"
        ids = await some_documents(house, 3)
        with pytest.raises(refusal):
            await start_remote(house.services, house.doctor, ids, utc_now(), pin=pin, otp=otp)
        assert house.provider.calls.count("credentials/authorize") == 1
        assert await is_free(house.services, ids)
        async with house.services.sessions() as session:
            states = (await session.scalars(select(RemoteSitting.state))).all()
        assert states == ["FAILED"]


@pytest.mark.parametrize("mood", [Mood.ERROR, Mood.GARBAGE])
async def test_a_broken_service_holds_no_document(house: RemoteHospital, mood: Mood) -> None:
    house.provider.mood = mood
    ids = await some_documents(house)
    with pytest.raises(CscUnreachable):
        await start_remote(house.services, house.doctor, ids, utc_now())
    assert await is_free(house.services, ids)


async def test_a_service_that_fails_for_a_while_is_asked_again(house: RemoteHospital) -> None:
    sitting, ids = await ask(house)
    await house.answer(tell=False)
    handle = next(iter(house.provider.pending))
    house.provider.mood = Mood.ERROR
    assert (await house.call_back(handle)).status_code == 409
    house.provider.mood = Mood.OK
    assert (await house.call_back(handle)).json() == {"state": "SIGNED"}
    assert (await now_of(house, sitting)).signed == len(ids)


async def test_a_wrong_signature_is_refused_for_its_document(house: RemoteHospital) -> None:
    sitting, ids = await ask(house, 2)
    house.provider.mood = Mood.WRONG_SIGNATURE
    await house.answer()
    ended = await now_of(house, sitting)
    assert ended.state is SittingState.FAILED
    assert {item.reason for item in ended.items} == {WRONG_VALUE}
    assert await is_free(house.services, ids)


async def test_another_certificate_at_the_end_is_refused(house: RemoteHospital) -> None:
    sitting, ids = await ask(house, 2)
    house.provider.mood = Mood.ANOTHER_CERTIFICATE
    await house.answer()
    ended = await now_of(house, sitting)
    assert ended.state is SittingState.FAILED
    assert "đã đổi" in ended.reason
    assert house.provider.calls.count("signatures/signHash") == 0
    assert await is_free(house.services, ids)


async def test_another_certificate_at_the_start_is_refused(house: RemoteHospital) -> None:
    house.provider.mood = Mood.ANOTHER_CERTIFICATE
    ids = await some_documents(house)
    with pytest.raises(CertificateChanged):
        await start_remote(house.services, house.doctor, ids, utc_now())
    assert await is_free(house.services, ids)


async def test_a_certificate_revoked_while_waiting_signs_nothing(house: RemoteHospital) -> None:
    sitting, ids = await ask(house)
    house.pki.revoke(house.provider.holdings["KEY-1"].certificate, at=utc_now())
    # The answer that was kept from the start is forgotten.
    context_of(house.services).answers.clear()
    await house.answer()
    ended = await now_of(house, sitting)
    assert ended.state is SittingState.FAILED
    assert "thu hồi" in ended.reason
    assert await is_free(house.services, ids)


async def test_a_credential_that_cannot_is_refused_in_words(house: RemoteHospital) -> None:
    ids = await some_documents(house, 2)
    holding = house.provider.holdings["KEY-1"]
    holding.algorithms = [PKCS1_OID]
    with pytest.raises(CredentialUnusable, match="TT 15/2025"):
        await start_remote(house.services, house.doctor, ids, utc_now())
    holding.algorithms, holding.enabled = [], False
    with pytest.raises(CredentialUnusable, match="khoá"):
        await start_remote(house.services, house.doctor, ids, utc_now())
    holding.enabled, holding.multisign = True, 1
    with pytest.raises(BatchTooLarge, match="tối đa 1"):
        await start_remote(house.services, house.doctor, ids, utc_now())
    assert await is_free(house.services, ids)


async def test_documents_apart_from_the_rest_are_told_apart(house: RemoteHospital) -> None:
    good, bad = await some_documents(house, 2)
    async with house.services.sessions() as session:
        head = (await get_document(session, bad)).head_sha256
    with broken_object(house.services, head):
        sitting = await start_remote(house.services, house.doctor, [good, bad], utc_now())
    assert {item.document_id: item.state for item in sitting.items} == {
        good: ItemState.WAITING,
        bad: ItemState.FAILED,
    }
    assert await is_free(house.services, [bad])
    await house.answer()
    done = await now_of(house, sitting)
    assert (done.state, done.signed) == (SittingState.SIGNED, 1)


async def test_nothing_that_may_be_signed_starts_nothing(house: RemoteHospital) -> None:
    with pytest.raises(NothingToSign):
        await start_remote(house.services, house.doctor, [UUID(int=5)], utc_now())
    assert house.provider.calls.count("credentials/authorize") == 0


async def test_a_stop_before_the_service_was_asked_ends_cleanly(
    house: RemoteHospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*_: object, **__: object) -> None:
        raise SystemExit

    monkeypatch.setattr("signing.remote.service._ask", killed)
    ids = await some_documents(house)
    with pytest.raises(SystemExit):
        await start_remote(house.services, house.doctor, ids, utc_now())
    await look(house, 200)
    async with house.services.sessions() as session:
        assert (await session.scalars(select(RemoteSitting.state))).all() == ["TIMED_OUT"]
    assert await is_free(house.services, ids)


async def test_a_stop_after_the_values_came_is_made_good(
    house: RemoteHospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*_: object, **__: object) -> None:
        raise SystemExit

    sitting, ids = await ask(house, 2)
    with monkeypatch.context() as patch:
        patch.setattr("signing.remote.finish._put_into_files", killed)
        with pytest.raises(SystemExit):
            await finish_remote(house.services, sitting.id, utc_now(), sad=await approved(house))
    assert await signatures(house.services, ids) == 0
    with pytest.raises(BeingCompleted):
        await cancel_sitting(house.services, house.doctor, sitting.id, later(300))
    await look(house, 300)
    assert (await now_of(house, sitting)).state is SittingState.SIGNED
    assert await signatures(house.services, ids) == 2
    assert house.provider.calls.count("signatures/signHash") == 1


async def test_the_service_tells_what_it_has(house: RemoteHospital) -> None:
    client = CscClient(house.services.http, house.services.settings.signing)
    assert (await client.info())["specs"] == "1.0.4.0"
    assert await client.credentials() == ["KEY-1"]
    assert await client.credentials("nobody") == []
    with pytest.raises(CscRefused):
        await client.credential("absent")


async def test_an_access_token_that_ended_is_fetched_anew(house: RemoteHospital) -> None:
    client = CscClient(house.services.http, house.services.settings.signing)
    await client.credentials()
    house.provider.tokens.clear()
    assert await client.credentials() == ["KEY-1"]
    assert house.provider.calls.count("auth/login") == 2


async def test_nothing_configured_is_said(house: RemoteHospital) -> None:
    with pytest.raises(CscRefused, match="chưa cấu hình"):
        CscClient(house.services.http, replace(house.services.settings.signing, csc_url=""))


async def test_a_service_too_slow_holds_no_document(
    house: RemoteHospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await some_documents(house)
    post, asked = httpx.AsyncClient.post, []

    async def slow(self: httpx.AsyncClient, url: str, **more: Any) -> httpx.Response:
        if url.endswith("credentials/authorize"):
            asked.append(more["timeout"])
            raise httpx.ReadTimeout("too slow")
        return await post(self, url, **more)

    monkeypatch.setattr(httpx.AsyncClient, "post", slow)
    with pytest.raises(CscUnreachable):
        await start_remote(house.services, house.doctor, ids, utc_now())
    assert asked == [2.0]
    assert await is_free(house.services, ids)


async def test_a_server_that_was_restarted_finishes_what_another_began(house: RemoteHospital) -> None:
    sitting, ids = await ask(house, 2)
    _identity.cache_clear()
    nothing_remembered()
    context_of(house.services).answers.clear()
    house.services = house.db.app.state.services = replace(house.services)
    await house.answer()
    assert (await now_of(house, sitting)).signed == 2
    assert await signatures(house.services, ids) == 2
