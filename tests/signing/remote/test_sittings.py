"""Remote signing over the CSC API: one approval on a phone for some documents, once, and nothing half done."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from hospital.demo.outside import csc
from hospital.demo.outside.credentials import CSC_CALLBACK_SECRET
from hospital.demo.pki import DemoPki
from kernel.clock import utc_now
from kernel.outbox.api import TryLater, drain
from kernel.services import Services
from signing.api import DocumentState, TrustList, get_document, verify_pdf
from signing.documents.models import Signature
from signing.remote.csc import (
    CscClient,
)
from signing.remote.finish import ask_remote
from signing.remote.models import RemoteItem, RemoteSitting
from signing.remote.rest import callback_signature
from signing.remote.rules import ItemState, SittingState, WrongSittingState
from signing.remote.service import NothingToSign, start_remote
from signing.remote.sittings import (
    SittingNotFound,
    cancel_sitting,
)
from signing.settings import CscAuth
from tests.conftest import RealDatabase
from tests.signing.remote.hospital import (
    Mood,
    RemoteHospital,
    ask,
    is_free,
    later,
    look,
    now_of,
    remote_hospital,
    signatures,
)

pytestmark = pytest.mark.anyio


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
