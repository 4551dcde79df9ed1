"""Documents signed by a person's token and sealed by the organisation's HSM, as the pages do it."""

import httpx
import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.api import (
    NewSlot,
    PinLocked,
    SignState,
    TrustList,
    WrongPin,
    organisation_signer,
    sign_documents,
    unlock,
    verify_pdf,
)
from signing.certificates.models import UnlockedKey
from signing.certificates.service import NoCertificate
from signing.documents.models import Document, Signature
from signing.pkcs11 import Pkcs11Signer
from signing.pkcs11_module import TokenAbsent, module_at
from signing.tasks import service
from signing.tasks.service import seal_document
from tests.conftest import SignedIn
from tests.signing.holders import PIN
from tests.signing.hospital import a_document, give_certificate, give_token_certificate
from tests.signing.tokens import MODULE, TOKEN_PIN, SoftHsm


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, signing=replace(settings.signing, organisation_pin=TOKEN_PIN))


@pytest.fixture
async def doctor_in(
    signed_in: SignedIn, services: Services, settings: Settings, pki: DemoPki, softhsm: SoftHsm
) -> Actor:
    actor = await signed_in(Role.DOCTOR, name="Nguyễn Thị Hương")
    await give_token_certificate(services.sessions, settings, pki, softhsm, actor)
    return actor


async def test_a_batch_is_signed_by_the_token_with_one_pin(
    services: Services, doctor_in: Actor, trust: TrustList
) -> None:
    documents = [await a_document(services, doctor_in) for _ in range(5)]
    results = await sign_documents(services, doctor_in, [d.id for d in documents], TOKEN_PIN, utc_now())
    assert [result.state for result in results] == [SignState.SIGNED] * 5
    async with services.sessions() as session:
        rows = (await session.scalars(select(Signature))).all()
        head = await session.scalar(select(Document.head_sha256).where(Document.id == documents[0].id))
    assert {(row.method, row.scheme, row.level) for row in rows} == {
        ("PKI_TOKEN_HSM", "RSA_PSS_SHA256", "B-T")
    }
    assert head is not None
    report = verify_pdf(await services.objects.get(head), trust, utc_now())
    assert report.valid, report.summary


async def test_a_wrong_pin_signs_nothing_counts_once_and_locks_us_before_the_token(
    services: Services, doctor_in: Actor, settings: Settings
) -> None:
    documents = [(await a_document(services, doctor_in)).id for _ in range(3)]
    with pytest.raises(WrongPin, match=r"chưa ký văn bản nào.*Còn 4 lần thử"):
        await sign_documents(services, doctor_in, documents, "khong-dung", utc_now())
    for _ in range(settings.signing.pin_tries - 1):
        with pytest.raises(WrongPin):
            await sign_documents(services, doctor_in, documents, "khong-dung", utc_now())
    with pytest.raises(PinLocked):
        await sign_documents(services, doctor_in, documents, TOKEN_PIN, utc_now())
    async with services.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Signature)) == 0


async def test_a_token_key_is_never_unlocked_for_the_session(services: Services, doctor_in: Actor) -> None:
    with pytest.raises(NoCertificate):
        await unlock(services, TOKEN_PIN, "session-token", actor=doctor_in, now=utc_now())
    async with services.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(UnlockedKey)) == 0


async def test_after_a_confirmation_nobody_is_signed_in_to_the_token(
    services: Services, doctor_in: Actor
) -> None:
    document = await a_document(services, doctor_in)
    await sign_documents(services, doctor_in, [document.id], TOKEN_PIN, utc_now())
    assert module_at(MODULE)._logins == {}


async def test_a_token_that_is_not_there_leaves_the_documents_waiting(
    services: Services, doctor_in: Actor, softhsm: SoftHsm
) -> None:
    document = await a_document(services, doctor_in)
    softhsm.pull()
    try:
        with pytest.raises(TokenAbsent):
            await sign_documents(services, doctor_in, [document.id], TOKEN_PIN, utc_now())
    finally:
        softhsm.put_back()
    (result,) = await sign_documents(services, doctor_in, [document.id], TOKEN_PIN, utc_now())
    assert result.state is SignState.SIGNED


async def test_the_organisation_seals_with_its_hsm(
    services: Services,
    doctor_in: Actor,
    settings: Settings,
    pki: DemoPki,
    softhsm: SoftHsm,
    trust: TrustList,
) -> None:
    service._seals.clear()
    await give_token_certificate(services.sessions, settings, pki, softhsm, None, curve="secp256r1")
    slots = (
        NewSlot(field="bac_si", label="Bác sĩ", owner_staff_id=doctor_in.id),
        NewSlot(field="co_so", label="Cơ sở", organisation=True),
    )
    document = await a_document(services, doctor_in, *slots)
    await sign_documents(services, doctor_in, [document.id], TOKEN_PIN, utc_now())
    result = await seal_document(services, document.id, now=utc_now())
    assert result.state is SignState.SIGNED, result.reason
    async with services.sessions() as session:
        head = await session.scalar(select(Document.head_sha256).where(Document.id == document.id))
    assert head is not None
    report = verify_pdf(await services.objects.get(head), trust, utc_now())
    assert report.valid, report.summary
    assert [signature.scheme for signature in report.signatures] == ["RSA_PSS_SHA256", "ECDSA_SHA256"]
    signer = await organisation_signer(services, now=utc_now())
    assert isinstance(signer, Pkcs11Signer)
    assert len(signer.sign_xml(b"<SignedInfo/>")) == 64
    service._seals.clear()


async def test_the_page_asks_the_pin_of_a_token_and_offers_not_to_keep_it(
    client: httpx.AsyncClient, services: Services, doctor_in: Actor, settings: Settings, pki: DemoPki
) -> None:
    await give_certificate(services.sessions, settings, pki, doctor_in)  # A key file beside the token.
    assert (await client.post("/api/signing/unlock", json={"pin": PIN})).status_code == 201
    document = await a_document(services, doctor_in)
    page = (await client.get("/sign/confirm")).text
    assert 'name="pin"' in page
    assert "Giữ khóa mở" not in page
    form = {"document": str(document.id), "pin": TOKEN_PIN, "keep": "1"}
    assert (await client.post("/sign", data=form)).headers["location"] == "/sign?signed=1"
    async with services.sessions() as session:
        assert await session.scalar(select(Signature.method)) == "PKI_TOKEN_HSM"
