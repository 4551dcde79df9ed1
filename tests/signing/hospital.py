"""A hospital of the tests: staff with certificates, stored files, the authority answering in process."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from litestar import Litestar
from msgspec.structs import replace
from sqlalchemy import select

from hospital.demo.outside.app import OutsideSettings
from hospital.demo.outside.pki import routes
from hospital.demo.pki import DemoPki, Holder, organisation_holder
from hospital.settings import Settings
from kernel.clock import Instant, utc_now
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.services import Services
from kernel.staff.api import SYSTEM, Actor
from kernel.staff.models import StaffAccount
from signing.api import (
    CertificateView,
    DocumentView,
    KeyKind,
    NewDocument,
    NewSlot,
    RegisterCertificate,
    TrustList,
    prepare_document,
    register_certificate,
)
from tests.signing.files import a_file
from tests.signing.holders import PIN
from tests.signing.tokens import MODULE, SoftHsm

TSA = "http://pki.test/outside/pki/tsa"


@cache
def _key() -> rsa.RSAPrivateKey:
    """One key for everybody in the tests: making one takes half a second."""
    return rsa.generate_private_key(65537, 2048)


def signing_settings(settings: Settings, pki: DemoPki) -> Settings:
    """The settings of a test, with the test's authority, key files and organisation."""
    signing = replace(
        settings.signing,
        trust_file=pki.folder / "trust.pem",
        keys_dir=pki.folder / "keys",
        organisation_pin=PIN,
        tsa_urls=(TSA,),
        pkcs11_modules=(MODULE,),
    )
    return replace(settings, signing=signing)


def authority_client(pki: DemoPki) -> httpx.AsyncClient:
    """An HTTP client for which the authority's address is answered in this process."""
    app = Litestar(
        routes(OutsideSettings(pki.folder.parent, "http://test", "http://pki.test")), logging_config=None
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)  # type: ignore[arg-type]  # narrower scopes
    return httpx.AsyncClient(transport=transport)


def with_authority(services: Services, http: httpx.AsyncClient) -> Services:
    return replace(services, http=http)


async def give_certificate(
    sessions: Sessions,
    settings: Settings,
    pki: DemoPki,
    actor: Actor | None,
    *,
    number: str = "001180000001",
    now: Instant | None = None,
    pin: str = PIN,
) -> None:
    """Issue and register a certificate for a person, or for the organisation."""
    now = now or utc_now()
    facility = settings.kernel.facility
    if actor is None:
        holder = organisation_holder(facility)
    else:
        holder = Holder(actor.id.hex, actor.name, f"CCCD:{number}", organisation=facility.name)
    certificate, key = pki.issue(holder, _key(), now=now)
    pki.write_key_file(holder.name, certificate, key, pin=pin)
    command = RegisterCertificate(
        id=new_id(),
        certificate=certificate.public_bytes(Encoding.DER),
        chain=[pki.issuing.public_bytes(Encoding.DER)],
        key_name=holder.name,
        staff_id=actor.id if actor else None,
    )
    trust = TrustList([pki.root], [pki.issuing], demo=True)
    async with sessions.begin() as session:
        if actor is not None:
            account = await session.scalar(select(StaffAccount).where(StaffAccount.id == actor.id))
            assert account is not None
            account.citizen_id = number
            await session.flush()
        await register_certificate(session, command, trust=trust, facility=facility, actor=SYSTEM, now=now)


async def a_document(
    services: Services,
    author: Actor,
    *slots: NewSlot,
    pdf: bytes | None = None,
    title: str = "Phiếu khám bệnh",
    patient: str = "NGUYỄN VĂN AN",
    supersedes: UUID | None = None,
    patient_id: UUID | None = None,
    kind: str = "PKB",
) -> DocumentView:
    """Store a file and prepare it for signing; by default one slot, the author's."""
    mine = slots or (NewSlot(field="bac_si", label="Bác sĩ khám", owner_staff_id=author.id),)
    document_id = new_id()
    pdf = pdf or a_file([slot.field for slot in mine], text=f"Phieu {document_id}")
    sha256 = await services.objects.put(pdf)
    command = NewDocument(
        id=document_id,
        kind=kind,
        title=title,
        subject=f"emr.sheet:{document_id}",
        author_id=author.id,
        sha256=sha256,
        slots=list(mine),
        patient_id=patient_id,
        patient_name=patient,
        supersedes=supersedes,
    )
    async with services.sessions.begin() as session:
        return await prepare_document(session, command, now=utc_now())


async def give_token_certificate(
    sessions: Sessions,
    settings: Settings,
    pki: DemoPki,
    softhsm: SoftHsm,
    actor: Actor | None,
    *,
    number: str = "001180000001",
    **key: Any,
) -> CertificateView:
    """Make a token with a key and register its certificate for a person, or for the organisation."""
    facility = settings.kernel.facility
    if actor is None:
        holder = organisation_holder(facility)
    else:
        holder = Holder(actor.id.hex, actor.name, f"CCCD:{number}", organisation=facility.name)
    token = softhsm.new_token(holder.name[:32])
    uri, certificate = softhsm.certify(pki, holder, token, b"\x01", **key)
    command = RegisterCertificate(
        id=new_id(),
        certificate=certificate.public_bytes(Encoding.DER),
        chain=[pki.issuing.public_bytes(Encoding.DER)],
        key_kind=KeyKind.PKCS11,
        key_name=str(uri),
        staff_id=actor.id if actor else None,
    )
    trust = TrustList([pki.root], [pki.issuing], demo=True)
    async with sessions.begin() as session:
        if actor is not None:
            account = await session.scalar(select(StaffAccount).where(StaffAccount.id == actor.id))
            assert account is not None
            account.citizen_id = number
            await session.flush()
        return await register_certificate(
            session, command, trust=trust, facility=facility, actor=SYSTEM, now=utc_now()
        )


@contextmanager
def broken_object(services: Services, sha256: str) -> Iterator[None]:
    """Change the stored bytes behind the program's back."""
    path = services.objects.root / sha256[:2] / sha256[2:4] / sha256  # type: ignore[attr-defined]  # the folder store
    kept = path.read_bytes()
    path.write_bytes(kept[:-10] + b"X" + kept[-9:])
    assert hashlib.sha256(path.read_bytes()).hexdigest() != sha256
    try:
        yield
    finally:
        path.write_bytes(kept)
