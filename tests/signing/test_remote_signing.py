"""Remote signing over the CSC API: one approval on a phone for some documents, once, and nothing half done."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from msgspec.structs import replace
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from hospital.demo.outside import csc
from hospital.demo.outside.credentials import CSC_CALLBACK_SECRET, CSC_PASSWORD
from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.outbox.api import Job, TryLater, drain
from kernel.services import Services
from signing.api import DocumentState, TrustList, get_document, verify_pdf
from signing.context import context_of
from signing.documents.models import Signature
from signing.keys import WrongPin
from signing.remote.csc import (
    PKCS1_OID,
    CredentialUnusable,
    CscClient,
    CscRefused,
    CscUnreachable,
    Sad,
    WrongOtp,
)
from signing.remote.finish import WRONG_VALUE, ask_remote, finish_remote
from signing.remote.jobs import watch
from signing.remote.models import RemoteItem, RemoteSitting
from signing.remote.rest import callback_signature
from signing.remote.rules import ItemState, SittingState, WrongSittingState
from signing.remote.service import WATCH, NothingToSign, WatchSitting, start_remote
from signing.remote.sittings import (
    BeingCompleted,
    CertificateChanged,
    SittingNotFound,
    SittingView,
    cancel_sitting,
    get_sitting,
)
from signing.settings import CscAuth
from signing.tasks.engine import _identity
from signing.tasks.service import BatchTooLarge
from tests.conftest import RealDatabase
from tests.signing.hospital import broken_object
from tests.signing.remote_hospital import (
    Mood,
    RemoteHospital,
    is_free,
    later,
    nothing_remembered,
    remote_hospital,
    remote_settings,
    some_documents,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(settings: Settings, pki: DemoPki) -> Settings:
    return remote_settings(settings, pki)


@pytest.fixture(autouse=True)
def fresh() -> None:
    nothing_remembered()


@pytest.fixture
async def house(real_db: RealDatabase, pki: DemoPki) -> AsyncIterator[RemoteHospital]:
    async with remote_hospital(real_db, pki) as house:
        yield house


async def ask(house: RemoteHospital, count: int = 1, **more: str) -> tuple[SittingView, list[UUID]]:
    ids = await some_documents(house, count)
    return await start_remote(house.services, house.doctor, ids, utc_now(), **more), ids


async def now_of(house: RemoteHospital, sitting: SittingView) -> SittingView:
    async with house.services.sessions() as session:
        return await get_sitting(session, sitting.id)


async def look(house: RemoteHospital, seconds: int) -> None:
    """Let the job that watches look at every sitting, some seconds from now."""
    async with house.services.sessions() as session:
        ids = (await session.scalars(select(RemoteSitting.id))).all()
    for sitting_id in ids:
        await watch(Job(WATCH, 1, later(seconds), house.services), WatchSitting(sitting_id))


async def signatures(services: Services, ids: list[UUID]) -> int:
    async with services.sessions() as session:
        return len((await session.scalars(select(Signature.id).where(Signature.document_id.in_(ids)))).all())


async def test_a_phone_approves_many_documents_at_once(house: RemoteHospital, trust: TrustList) -> None:
    sitting, ids = await ask(house, 3)
    assert sitting.state is SittingState.WAITING
    assert await signatures(house.services, ids) == 0
    shown = house.provider.pending[next(iter(house.provider.pending))]
    assert [line.partition(" · ")[0] for line in shown.lines] == ["Phiếu 0", "Phiếu 1", "Phiếu 2"]
    assert "NGUYỄN VĂN AN" not in str(shown.lines), "who the patient is stays in the hospital"
    assert [value.hex()[:8] for value in shown.hashes] == [item.mark for item in sitting.items]
    await house.answer()
    assert house.provider.sent == [200]
    done = await now_of(house, sitting)
    assert done.state is SittingState.SIGNED
    assert [item.state for item in done.items] == [ItemState.SIGNED] * 3
    for key in ids:
        async with house.services.sessions() as session:
            document = await get_document(session, key)
        assert document.state is DocumentState.ISSUED
        report = verify_pdf(await house.services.objects.get(document.head_sha256), trust, utc_now())
        assert report.valid
        assert report.signatures[0].level is not None
        assert report.signatures[0].stamped_at is not None
    async with house.services.sessions() as session:
        row = (await session.scalars(select(Signature))).first()
    assert row is not None
    assert (row.method, row.standing, row.signer_id) == ("PKI_REMOTE_CSC", "GOOD", house.doctor.id)
    assert house.provider.calls.count("signatures/signHash") == 1


@pytest.mark.parametrize("curve", [False, True])
async def test_the_service_is_asked_when_it_does_not_call(
    real_db: RealDatabase, pki: DemoPki, curve: bool
) -> None:
    async with remote_hospital(real_db, pki, curve=curve) as house:
        house.provider.mood = Mood.NO_CALLBACK
        sitting, ids = await ask(house)
        with pytest.raises(TryLater):
            await drain(house.services, now=later(4))
        assert (await now_of(house, sitting)).state is SittingState.WAITING
        await house.answer()
        assert house.provider.sent == []
        await ask_remote(house.services, sitting.id, utc_now())
        assert (await now_of(house, sitting)).state is SittingState.SIGNED
        assert await signatures(house.services, ids) == 1


async def test_a_repeated_callback_signs_once(house: RemoteHospital) -> None:
    house.provider.mood = Mood.DUPLICATE_CALLBACK
    sitting, ids = await ask(house, 2)
    await house.answer()
    assert house.provider.sent == [200, 200, 200]
    handle = next(iter(house.provider.pending))
    again = await house.call_back(handle)
    assert again.json() == {"state": "SIGNED"}
    assert await signatures(house.services, ids) == 2
    assert house.provider.calls.count("signatures/signHash") == 1
    assert (await now_of(house, sitting)).state is SittingState.SIGNED


async def test_many_finishers_at_once_sign_once(house: RemoteHospital) -> None:
    house.provider.mood = Mood.NO_CALLBACK
    sitting, ids = await ask(house)
    await house.answer()
    finishers = [ask_remote(house.services, sitting.id, utc_now()) for _ in range(5)]
    outcomes = await asyncio.gather(*finishers)
    assert sorted(outcome.state for outcome in outcomes).count(SittingState.SIGNED) >= 1
    assert house.provider.calls.count("signatures/signHash") == 1
    assert await signatures(house.services, ids) == 1


@pytest.mark.parametrize("fault", ["secret", "old", "absent", "garbage"])
async def test_a_forged_callback_is_not_believed(house: RemoteHospital, fault: str) -> None:
    sitting, ids = await ask(house)
    await house.answer(tell=False)
    handle = next(iter(house.provider.pending))
    if fault == "secret":
        answer = await house.call_back(handle, secret="another")
    else:
        body = b"{" if fault == "garbage" else b'{"handle":"%s"}' % handle.encode()
        stamp = str(int((utc_now() - timedelta(minutes=10 if fault == "old" else 0)).timestamp()))
        signature = callback_signature(CSC_CALLBACK_SECRET, stamp, body)
        headers = {} if fault == "absent" else {"x-csc-timestamp": stamp, "x-csc-signature": signature}
        answer = await house.db.client.post("/webhooks/signing/csc", content=body, headers=headers)
    assert answer.status_code == (422 if fault == "garbage" else 403)
    assert (await now_of(house, sitting)).state is SittingState.WAITING
    assert await signatures(house.services, ids) == 0


async def test_a_callback_about_nothing_is_not_found(house: RemoteHospital) -> None:
    assert (await house.call_back("unknown")).status_code == 404


async def test_declined_on_the_phone_signs_nothing(house: RemoteHospital) -> None:
    sitting, ids = await ask(house)
    await house.answer(approve=False)
    ended = await now_of(house, sitting)
    assert ended.state is SittingState.CANCELLED
    assert "từ chối" in ended.reason
    assert await is_free(house.services, ids)


async def test_cancelled_here_stays_cancelled_when_the_phone_approves_later(house: RemoteHospital) -> None:
    sitting, ids = await ask(house)
    await cancel_sitting(house.services, house.doctor, sitting.id, utc_now())
    assert await is_free(house.services, ids)
    await house.answer()
    assert (await now_of(house, sitting)).state is SittingState.CANCELLED
    assert await signatures(house.services, ids) == 0
    with pytest.raises(WrongSittingState):
        await cancel_sitting(house.services, house.doctor, sitting.id, utc_now())


async def test_cancelled_while_the_service_signs_keeps_nothing(
    house: RemoteHospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    sitting, ids = await ask(house)
    sign = CscClient.sign

    async def cancelled_meanwhile(self: CscClient, *of: object) -> list[bytes]:
        values = await sign(self, *of)  # type: ignore[arg-type]  # passed on as they came
        await cancel_sitting(house.services, house.doctor, sitting.id, utc_now())
        return values

    monkeypatch.setattr(CscClient, "sign", cancelled_meanwhile)
    await house.answer()
    assert (await now_of(house, sitting)).state is SittingState.CANCELLED
    assert await is_free(house.services, ids)


async def test_somebody_elses_sitting_is_not_found(house: RemoteHospital) -> None:
    sitting, _ = await ask(house)
    other = replace(house.doctor, id=UUID(int=7))
    with pytest.raises(SittingNotFound):
        await cancel_sitting(house.services, other, sitting.id, utc_now())


async def test_nobody_answers_in_time(house: RemoteHospital) -> None:
    house.provider.mood = Mood.TIMEOUT
    sitting, ids = await ask(house)
    await house.answer()
    await look(house, 200)
    ended = await now_of(house, sitting)
    assert ended.state is SittingState.TIMED_OUT
    assert await is_free(house.services, ids)
    house.provider.mood = Mood.OK
    handle = next(iter(house.provider.pending))
    assert (await house.call_back(handle)).json() == {"state": "TIMED_OUT"}
    assert await signatures(house.services, ids) == 0


async def test_an_approval_after_the_time_signs_nothing(house: RemoteHospital) -> None:
    house.provider.mood = Mood.NO_CALLBACK
    sitting, ids = await ask(house)
    await house.answer()
    await ask_remote(house.services, sitting.id, later(181))
    assert await signatures(house.services, ids) == 0
    await look(house, 200)
    assert (await now_of(house, sitting)).state is SittingState.TIMED_OUT


@pytest.mark.parametrize("auth", list(CscAuth))
async def test_pin_and_code_answer_at_once(real_db: RealDatabase, pki: DemoPki, auth: CscAuth) -> None:
    async with remote_hospital(real_db, pki, explicit=True) as house:
        signing = replace(house.services.settings.signing, csc_auth=auth, csc_hashes_per_call=2)
        house.services = replace(house.services, settings=replace(house.services.settings, signing=signing))
        house.provider.codes["KEY-1"] = "123456"
        sitting, ids = await ask(house, 5, pin=csc.PIN, otp="123456")
        assert sitting.state is SittingState.SIGNED
        assert await signatures(house.services, ids) == 5
        assert house.provider.calls.count("credentials/extendTransaction") == 2


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


async def test_a_document_waits_for_one_approval_at_a_time(house: RemoteHospital) -> None:
    sitting, ids = await ask(house)
    with pytest.raises(NothingToSign, match="nơi khác"):
        await start_remote(house.services, house.doctor, ids, utc_now())
    await a_second_sitting(house.services, sitting.id)
    with pytest.raises(IntegrityError):
        await a_second_item(house.services, sitting.id)


async def a_second_sitting(services: Services, sitting_id: UUID) -> None:
    async with services.sessions.begin() as session:
        row = await session.get(RemoteSitting, sitting_id)
        values = {c.name: getattr(row, c.name) for c in RemoteSitting.__table__.columns}
        session.add(RemoteSitting(**(values | {"id": UUID(int=9), "reference": None})))


async def a_second_item(services: Services, sitting_id: UUID) -> None:
    async with services.sessions.begin() as session:
        where = select(RemoteItem).where(RemoteItem.sitting_id == sitting_id)
        row = (await session.scalars(where)).one()
        values = {c.name: getattr(row, c.name) for c in RemoteItem.__table__.columns}
        session.add(RemoteItem(**(values | {"sitting_id": UUID(int=9)})))


@pytest.mark.parametrize(
    "change",
    [
        {"state": "SIGNED", "ended_at": utc_now()},
        {"fingerprint": "0" * 64},
        {"scheme": "RSA_PKCS1_SHA256"},
    ],
)
async def test_the_database_refuses_forbidden_moves(house: RemoteHospital, change: dict[str, object]) -> None:
    sitting, _ = await ask(house)
    if "state" in change:
        await cancel_sitting(house.services, house.doctor, sitting.id, utc_now())
    with pytest.raises(DBAPIError, match=r"forward only|pinned"):
        async with house.services.sessions.begin() as session:
            await session.execute(
                update(RemoteSitting).where(RemoteSitting.id == sitting.id).values(**change)
            )


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
            await finish_remote(house.services, sitting.id, utc_now(), sad=await leave(house))
    assert await signatures(house.services, ids) == 0
    with pytest.raises(BeingCompleted):
        await cancel_sitting(house.services, house.doctor, sitting.id, later(300))
    await look(house, 300)
    assert (await now_of(house, sitting)).state is SittingState.SIGNED
    assert await signatures(house.services, ids) == 2
    assert house.provider.calls.count("signatures/signHash") == 1


async def leave(house: RemoteHospital) -> Sad:
    """Approve and take the service's leave, as the job that asks would."""
    await house.answer(tell=False)
    client = CscClient(house.services.http, house.services.settings.signing)
    sad = await client.check(next(iter(house.provider.pending)))
    assert isinstance(sad, Sad)
    return sad


async def test_no_secret_is_kept_or_logged(
    real_db: RealDatabase, pki: DemoPki, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with remote_hospital(real_db, pki, explicit=True) as house:
        house.provider.codes["KEY-1"] = "91827364"
        with pytest.raises(WrongOtp):
            await ask(house, pin=csc.PIN, otp="11177799")
        house.provider.codes["KEY-1"] = "91827364"
        await ask(house, pin=csc.PIN, otp="91827364")
        secrets = [
            csc.PIN,
            "91827364",
            "11177799",
            CSC_PASSWORD,
            *house.provider.grants,
            *house.provider.tokens,
        ]
        assert len(secrets) >= 6
        async with house.services.sessions() as session:
            tables = (
                await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
            ).all()
            rows = [
                row
                for table in tables
                for row in (await session.scalars(text(f'SELECT t::text FROM "{table}" t'))).all()
            ]
    dump = "".join(rows)
    out = capfd.readouterr()
    logged = out.out + out.err + caplog.text
    found = [secret for secret in secrets if secret in dump or secret in logged]
    assert found == []
    assert len(dump) > 10_000


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
