"""From a transfer to a delivered invoice, a sealed receipt and a sealed bill, by jobs on a real database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from msgspec.structs import replace
from sqlalchemy import select

from billing.accounts.service import open_account
from billing.invoices.handlers import LEFT_ALONE, sweep
from billing.invoices.models import Invoice
from billing.invoices.planning import Planner, plan_settled
from billing.invoices.rules import Policy, State
from billing.prints.models import Paper
from billing.receipts.models import Receipt
from billing.settlements.service import end_episode
from hospital.demo.outside.app import OutsideSettings
from hospital.demo.outside.invoice_provider import DEMO_TOKEN, PATH, Mood, Provider, SetMood
from hospital.demo.outside.invoice_provider import routes as provider_routes
from hospital.demo.outside.pki import routes as pki_routes
from hospital.demo.outside.tax_authority import ensure_authority
from hospital.demo.pki import DemoPki, ensure_pki, organisation_holder
from kernel.clock import utc_now
from kernel.facility import Facility
from kernel.ids import new_id
from kernel.outbox.api import Job, drain
from kernel.services import Services
from kernel.staff.api import Role
from signing.api import TrustList, verify_xml
from tests.billing.builders import SETTINGS, a_patient, a_request, an_episode
from tests.billing.invoice_office import an_invoice
from tests.billing.transfers import pay
from tests.conftest import RealDatabase
from tests.signing.holders import PIN
from tests.signing.hospital import give_certificate, signing_settings


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    folder: Path = tmp_path_factory.mktemp("data") / "pki"
    holders = [organisation_holder(Facility())]
    return ensure_pki(folder, holders, base_url="http://pki.test", pin=PIN, now=datetime.now(UTC))


@pytest.fixture
def fake(tmp_path: Path) -> Provider:
    return Provider(ensure_authority(tmp_path / "outside", utc_now()))


@pytest.fixture
async def services(
    real_db: RealDatabase, pki: DemoPki, fake: Provider, tmp_path: Path
) -> AsyncIterator[Services]:
    """The application's services with the outside world answering in this process."""
    outside = OutsideSettings(pki.folder.parent, "http://test", "http://pki.test")
    app = Litestar([*pki_routes(outside), *provider_routes(outside, fake)], openapi_config=None)
    billing = replace(
        SETTINGS,
        invoice_policy=Policy.EACH_PAYMENT,
        invoice_provider_url=f"http://outside{PATH}",
        invoice_provider_token=DEMO_TOKEN,
        invoice_authority_file=tmp_path / "outside" / "authority.pem",
    )
    settings = replace(signing_settings(real_db.settings, pki), billing=billing)
    await give_certificate(real_db.sessions, settings, pki, None)
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar types its scopes more narrowly
    async with httpx.AsyncClient(transport=transport) as http:
        yield replace(real_db.app.state.services, settings=settings, http=http)


async def a_paid_and_ended_episode(services: Services) -> Any:
    async with services.sessions.begin() as session:
        episode = await an_episode(session)
        request = await a_request(session, episode)
    async with services.sessions.begin() as session:
        await pay(session, request.amount, request.reference)
    async with services.sessions.begin() as session:
        await end_episode(session, episode, ended_at=utc_now(), now=utc_now(), settings=SETTINGS)
    return episode


async def test_money_ends_in_sealed_papers_and_a_coded_invoice(
    services: Services, real_db: RealDatabase, pki: DemoPki
) -> None:
    episode = await a_paid_and_ended_episode(services)
    await drain(services)
    trust = TrustList([pki.root], [pki.issuing], demo=True)
    async with services.sessions() as session:
        invoice = (await session.scalars(select(Invoice))).one()
        receipt = (await session.scalars(select(Receipt))).one()
        papers = {paper.kind for paper in await session.scalars(select(Paper))}
    assert (invoice.state, invoice.problem, invoice.total) == (State.DELIVERED, "", 150_000)
    assert papers == {"receipt", "bill"}
    await real_db.sign_in(Role.ACCOUNTANT)
    xml = await real_db.client.get(f"/invoices/{invoice.id}.xml")
    assert xml.headers["content-type"].startswith("application/xml")
    report = verify_xml(xml.content, trust, utc_now())
    assert "UID=MST:0199999999" in xml.text or "MST:0199999999" in xml.text
    assert report.signatures[0].intact
    for path in (f"/receipts/{receipt.id}.pdf", f"/episodes/{episode}/bill.pdf"):
        pdf = await real_db.client.get(path)
        assert pdf.status_code == 200, pdf.text
        assert pdf.content.count(b"/ETSI.CAdES.detached") == 1, path
    for path in (f"/invoices/{invoice.id}.pdf", f"/receipts/{receipt.id}.pdf?size=80"):
        pdf = await real_db.client.get(path)
        assert pdf.content.startswith(b"%PDF"), path
    copy = await real_db.client.get(f"/receipts/{receipt.id}.pdf?copy=true")
    assert b"/ETSI.CAdES.detached" not in copy.content


async def test_a_provider_that_is_down_delays_and_loses_nothing(services: Services, fake: Provider) -> None:
    fake.mood = SetMood(Mood.ERROR)
    await a_paid_and_ended_episode(services)
    await drain(services, raises=False)
    async with services.sessions() as session:
        assert (await session.scalars(select(Invoice.state))).one() == State.SIGNED
    fake.mood = SetMood(Mood.OK)
    later = utc_now().replace(year=utc_now().year + 1)
    await drain(services, now=later, raises=False)
    async with services.sessions() as session:
        row = (await session.scalars(select(Invoice))).one()
    assert (row.state, row.number, row.problem) == (State.DELIVERED, 1, "")


async def test_a_bill_at_0_dong_is_kept_and_no_invoice_made(services: Services) -> None:
    async with services.sessions.begin() as session:
        episode = new_id()
        await open_account(session, episode_id=episode, patient_id=await a_patient(session), now=utc_now())
        await end_episode(session, episode, ended_at=utc_now(), now=utc_now(), settings=SETTINGS)
    await drain(services)
    async with services.sessions() as session:
        assert [paper.kind for paper in await session.scalars(select(Paper))] == ["bill"]
        assert (await session.scalars(select(Invoice))).all() == []


async def test_two_workers_plan_one_invoice(services: Services) -> None:
    """The account is locked while it is planned: what one covers, the other finds covered."""
    planner = Planner(Facility(), services.settings.billing)
    async with services.sessions.begin() as session:
        episode = await an_episode(session)
        request = await a_request(session, episode)
    async with services.sessions.begin() as session:
        await pay(session, request.amount, request.reference)
    async with services.sessions.begin() as session:
        await end_episode(session, episode, ended_at=utc_now(), now=utc_now(), settings=SETTINGS)

    async def plan() -> UUID | None:
        async with services.sessions.begin() as session:
            return await plan_settled(session, planner, episode, now=utc_now())

    found = await asyncio.gather(*(plan() for _ in range(6)))
    assert len([invoice for invoice in found if invoice]) == 1


async def test_an_invoice_whose_job_died_is_taken_up_again(services: Services, fake: Provider) -> None:
    async with services.sessions.begin() as session:
        left = an_invoice()
        session.add(left)
    later = left.created_at + LEFT_ALONE * 2
    async with services.sessions.begin() as session:
        await sweep(Job("billing.sweep_invoices", 1, later, services, open_session=session))
    await drain(services)
    async with services.sessions() as session:
        assert (await session.get_one(Invoice, left.id)).state == State.DELIVERED
    assert fake.posts == 1
