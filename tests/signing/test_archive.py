"""Lifting to B-LTA: by a job, appended only, still valid when the certificates have ended and nobody answers."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from litestar import Litestar
from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError

from hospital.demo.pki import DemoPki
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.outbox.api import drain
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.api import TrustList, get_document, sign_documents, verify_pdf
from signing.archive.lift import CannotLift
from signing.archive.models import Archived
from signing.archive.service import lift_document
from signing.status import Standing
from signing.verification.report import Level
from tests.conftest import SignedIn
from tests.signing.acts import overlay, run
from tests.signing.conftest import PIN
from tests.signing.hospital import (
    a_document,
    authority_client,
    give_certificate,
    signing_settings,
    with_authority,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(settings: Settings, pki: DemoPki) -> Settings:
    return signing_settings(settings, pki)


@pytest.fixture
async def outside(pki: DemoPki) -> AsyncIterator[httpx.AsyncClient]:
    async with authority_client(pki) as client:
        yield client


@pytest.fixture
def services(app: Litestar, outside: httpx.AsyncClient) -> Services:
    return with_authority(app.state.services, outside)


@pytest.fixture
async def signer(signed_in: SignedIn, services: Services, settings: Settings, pki: DemoPki) -> Actor:
    actor = await signed_in(Role.DOCTOR, name="Nguyễn Thị Hương")
    await give_certificate(services.sessions, settings, pki, actor)
    return actor


async def test_an_issued_document_is_lifted_and_outlives_its_certificates(
    services: Services, signer: Actor, trust: TrustList, tmp_path: object
) -> None:
    document = await a_document(services, signer)
    await sign_documents(services, signer, [document.id], PIN, utc_now())
    await drain(services)
    async with services.sessions() as session:
        head = (await get_document(session, document.id)).head_sha256
        lifted = (await session.scalars(select(Archived))).one()
    assert lifted.source_sha256 == head
    source, made = await services.objects.get(head), await services.objects.get(lifted.sha256)
    assert made.startswith(source)
    report = verify_pdf(made, trust, utc_now() + timedelta(days=1300))
    assert report.valid
    assert report.signatures[0].level is Level.B_LTA
    assert report.signatures[0].standing is Standing.GOOD
    assert report.signatures[0].changes == "Chỉ thêm dữ liệu lưu trữ dài hạn"
    assert not verify_pdf(overlay(made), trust, utc_now()).valid
    assert await lift_document(services, document.id, now=utc_now()) is None


async def test_a_signature_without_timestamp_is_lifted_too(
    services: Services, signer: Actor, outside: httpx.AsyncClient, trust: TrustList
) -> None:
    document = await a_document(services, signer)
    await outside.post("http://pki.test/outside/pki/mood", json={"mode": "error"})
    await sign_documents(services, signer, [document.id], PIN, utc_now())
    with pytest.raises(CannotLift):
        await lift_document(services, document.id, now=utc_now())
    await outside.post("http://pki.test/outside/pki/mood", json={"mode": "ok"})
    assert await lift_document(services, document.id, now=utc_now()) is Level.B_LTA
    async with services.sessions() as session:
        lifted = (await session.scalars(select(Archived))).one()
    report = verify_pdf(await services.objects.get(lifted.sha256), trust, utc_now() + timedelta(days=1300))
    assert report.valid
    assert report.signatures[0].stamped_by == "Lành Demo TSA (CHẠY THỬ)"


async def test_an_unfinished_document_is_not_lifted_and_rows_stay(services: Services, signer: Actor) -> None:
    document = await a_document(services, signer)
    assert await lift_document(services, document.id, now=utc_now()) is None
    await sign_documents(services, signer, [document.id], PIN, utc_now())
    assert await lift_document(services, document.id, now=utc_now()) is Level.B_LTA
    with pytest.raises(DBAPIError):
        async with services.sessions.begin() as session:
            await session.execute(delete(Archived))


async def test_qpdf_finds_no_fault_in_a_lifted_file(
    services: Services, signer: Actor, tmp_path_factory: pytest.TempPathFactory
) -> None:
    document = await a_document(services, signer)
    await sign_documents(services, signer, [document.id], PIN, utc_now())
    await lift_document(services, document.id, now=utc_now())
    async with services.sessions() as session:
        lifted = (await session.scalars(select(Archived))).one()
    file = tmp_path_factory.mktemp("lifted") / "a.pdf"
    file.write_bytes(await services.objects.get(lifted.sha256))
    assert "No syntax or stream encoding errors" in run("qpdf", "--check", file)
