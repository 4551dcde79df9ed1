"""A hospital of the tests whose doctors sign at a remote service that answers in this process."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from uuid import UUID

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from litestar import Litestar
from litestar.types import ControllerRouterHandler
from msgspec.structs import replace
from sqlalchemy import select

from hospital.demo.outside import csc
from hospital.demo.outside.app import OutsideSettings
from hospital.demo.outside.credentials import CSC_CALLBACK_SECRET, CSC_PASSWORD, CSC_USER
from hospital.demo.outside.csc import Holding, Provider
from hospital.demo.outside.csc_moods import Mood
from hospital.demo.outside.pki import routes as pki_routes
from hospital.demo.pki import DemoPki, Holder
from hospital.settings import Settings
from kernel.clock import Instant, utc_now
from kernel.ids import new_id
from kernel.outbox.api import Job
from kernel.services import Services
from kernel.staff.api import SYSTEM, Actor, Role
from kernel.staff.models import StaffAccount
from signing.api import RegisterCertificate, TrustList, register_certificate
from signing.documents.models import Document, Signature
from signing.key_kinds import KeyKind
from signing.remote.csc import CscClient, Sad, _bearers
from signing.remote.jobs import watch
from signing.remote.models import RemoteSitting
from signing.remote.rest import callback_signature
from signing.remote.service import WATCH, WatchSitting, start_remote
from signing.remote.sittings import SittingView, get_sitting
from signing.remote.ways import _known
from tests.conftest import RealDatabase
from tests.signing.hospital import a_document, signing_settings

BASE = "http://remote.test/outside/csc/csc/v1"
NUMBER = "001180000001"


@cache
def _rsa_key() -> rsa.RSAPrivateKey:
    """One key for all tests: making one takes half a second."""
    return rsa.generate_private_key(65537, 2048)


def remote_settings(settings: Settings, pki: DemoPki) -> Settings:
    """The settings of a test, with the remote service and tokens at workstations."""
    settings = signing_settings(settings, pki)
    signing = replace(
        settings.signing,
        csc_url=BASE,
        csc_user=CSC_USER,
        csc_password=CSC_PASSWORD,
        csc_client_id=csc.CLIENT_ID,
        csc_client_secret=csc.CLIENT_SECRET,
        csc_callback_secret=CSC_CALLBACK_SECRET,
        csc_timeout_seconds=2.0,
        agent_port=47_111,
    )
    return replace(settings, signing=signing)


@dataclass
class RemoteHospital:
    """Services, one doctor signed in, the remote service behind its address."""

    db: RealDatabase
    services: Services
    doctor: Actor
    provider: Provider
    pki: DemoPki

    async def answer(self, *, approve: bool = True, tell: bool = True) -> None:
        """Press the button on the phone, for the latest request."""
        handle = list(self.provider.pending)[-1]
        assert csc.answer(self.provider, handle, approve=approve)
        if tell:
            await csc.call_back(self.provider, handle)

    async def call_back(self, handle: str, *, secret: str = CSC_CALLBACK_SECRET) -> httpx.Response:
        """Post a callback as the service does."""
        body = b'{"handle":"%s"}' % handle.encode()
        stamp = str(int(utc_now().timestamp()))
        headers = {"x-csc-timestamp": stamp, "x-csc-signature": callback_signature(secret, stamp, body)}
        return await self.db.client.post("/webhooks/signing/csc", content=body, headers=headers)


class Impatient(httpx.ASGITransport):
    """Answers in this process, and gives up like a real connection when the answer takes longer than the client waits."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(request.extensions["timeout"]["read"]):
                return await super().handle_async_request(request)
        except TimeoutError:
            raise httpx.ReadTimeout("too slow", request=request) from None


@asynccontextmanager
async def remote_hospital(
    db: RealDatabase,
    pki: DemoPki,
    *,
    way: KeyKind = KeyKind.CSC,
    explicit: bool = False,
    curve: bool = False,
    certificate: x509.Certificate | None = None,
    beside: Sequence[ControllerRouterHandler] = (),
) -> AsyncIterator[RemoteHospital]:
    """Run a hospital with one doctor whose key is elsewhere; `beside`: more of the world outside."""
    folder = pki.folder.parent / f"csc-{new_id().hex}"
    provider = Provider(folder, "/webhooks/signing/csc", slow_seconds=3.0, http=db.client)
    settings = OutsideSettings(pki.folder.parent, "http://test", "http://pki.test")
    handlers = [*pki_routes(settings), *csc.routes(settings, provider), *beside]
    outside = Litestar(handlers, logging_config=None)
    transport = Impatient(outside, raise_app_exceptions=False)  # type: ignore[arg-type]  # narrower scopes
    async with httpx.AsyncClient(transport=transport) as http:
        db.app.state.services = services = replace(db.app.state.services, http=http)
        doctor = await db.sign_in(Role.DOCTOR, name="Nguyễn Thị Hương")
        key = ec.generate_private_key(ec.SECP256R1()) if curve else _rsa_key()
        holder = Holder("remote", doctor.name, f"CCCD:{NUMBER}", title="BS")
        if certificate is None:
            certificate, _ = pki.issue(holder, key, now=utc_now())
        provider.holdings["KEY-1"] = Holding(
            "KEY-1", key, certificate, [pki.issuing], doctor.name, explicit=explicit
        )
        command = RegisterCertificate(
            id=new_id(),
            certificate=certificate.public_bytes(Encoding.DER),
            chain=[pki.issuing.public_bytes(Encoding.DER)],
            key_kind=way,
            key_name="KEY-1" if way is KeyKind.CSC else "",
            staff_id=doctor.id,
        )
        trust = TrustList([pki.root], [pki.issuing], demo=True)
        facility = services.settings.kernel.facility
        async with services.sessions.begin() as session:
            account = await session.get(StaffAccount, doctor.id)
            assert account is not None
            account.citizen_id = NUMBER
            await session.flush()
            await register_certificate(
                session, command, trust=trust, facility=facility, actor=SYSTEM, now=utc_now()
            )
        yield RemoteHospital(db, services, doctor, provider, pki)


def later(seconds: int) -> Instant:
    return utc_now() + timedelta(seconds=seconds)


async def some_documents(house: RemoteHospital, count: int = 1) -> list[UUID]:
    made = [await a_document(house.services, house.doctor, title=f"Phiếu {n}") for n in range(count)]
    return [document.id for document in made]


async def is_free(services: Services, ids: list[UUID]) -> bool:
    """Tell whether the documents wait as before: pending, unchanged, leased by nobody."""
    async with services.sessions() as session:
        rows = (await session.scalars(select(Document).where(Document.id.in_(ids)))).all()
    return all(
        row.lease is None and row.state == "PENDING" and row.head_sha256 == row.base_sha256 for row in rows
    )


def nothing_remembered() -> None:
    """Forget access tokens and credentials, as a process that starts anew."""
    _bearers.clear()
    _known.clear()


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


async def approved(house: RemoteHospital) -> Sad:
    """Approve and take the service's leave, as the job that asks would."""
    await house.answer(tell=False)
    client = CscClient(house.services.http, house.services.settings.signing)
    sad = await client.check(next(iter(house.provider.pending)))
    assert isinstance(sad, Sad)
    return sad


__all__ = [
    "Mood",
    "RemoteHospital",
    "approved",
    "ask",
    "is_free",
    "later",
    "look",
    "nothing_remembered",
    "now_of",
    "remote_hospital",
    "remote_settings",
    "signatures",
    "some_documents",
]
