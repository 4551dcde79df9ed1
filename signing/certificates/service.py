"""Register certificates, open keys with a PIN, keep them open for one session and no longer."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import anyio.to_thread
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Meta, Struct
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record, record_apart
from kernel.clock import Instant
from kernel.db import Sessions
from kernel.facility import Facility
from kernel.problems import Conflict, NotFound, Refused
from kernel.services import Services
from kernel.staff.api import Actor, get_staff
from signing.certificate_names import names_of
from signing.certificates.models import Certificate, PinTries
from signing.context import Context, context_of
from signing.gate import CertificateRevoked, Owner, check_certificate
from signing.key_kinds import KeyKind
from signing.keys import BadKeyFile, SoftwareSigner, WrongPin, issuers_of, open_pkcs12
from signing.pkcs11 import Pkcs11Signer, open_token
from signing.pkcs11_uri import read_token_uri
from signing.trust import TrustList

Result = TypeVar("Result")


class RegisterCertificate(Struct, frozen=True, kw_only=True):
    """A certificate to be used here. `staff_id` None: the organisation's."""

    id: UUID
    certificate: bytes
    """DER."""
    chain: list[bytes] = []
    key_kind: KeyKind = KeyKind.PKCS12
    key_name: Annotated[str, Meta(max_length=500)]
    """PKCS12: name of the file, without folder and ending. PKCS11: URI without PIN. CSC: credential. TOKEN: empty."""
    staff_id: UUID | None = None


class CertificateView(Struct, frozen=True):
    id: UUID
    staff_id: UUID | None
    key_kind: KeyKind
    key_name: str
    name: str
    uid: str
    issuer: str
    serial: str
    not_before: Instant
    not_after: Instant
    state: str
    registered_at: Instant
    standing: str | None = None
    checked_at: Instant | None = None
    revoked_at: Instant | None = None


class NoCertificate(NotFound):
    """This person has no certificate here."""

    slug = "no-certificate"


class PinLocked(Refused):
    """Too many wrong PINs in a row."""

    status, slug = 429, "pin-locked"


class KeyFileMissing(Conflict):
    slug = "key-file-missing"


async def register_certificate(
    session: AsyncSession,
    command: RegisterCertificate,
    *,
    trust: TrustList,
    facility: Facility,
    actor: Actor,
    now: Instant,
) -> CertificateView:
    """Take a certificate into use after checking whose it is; the one of its kind used before is retired.

    The same certificate again returns the first result; one that was put aside is taken up again. Raises
    CertificateRevoked for one that was revoked, BadKeyFile, and what `check_certificate` raises.
    """
    if command.key_kind is KeyKind.PKCS12 and not re.fullmatch(r"[\w.-]{1,80}", command.key_name):
        raise BadKeyFile("Tên tệp khóa chỉ gồm chữ, số, dấu chấm, gạch ngang và gạch dưới.")
    fingerprint = hashlib.sha256(command.certificate).hexdigest()
    known = await session.scalar(select(Certificate).where(Certificate.fingerprint == fingerprint))
    if known is not None and known.state == "ACTIVE" and known.staff_id == command.staff_id:
        return view_of(known)
    if known is not None and known.state == "REVOKED":
        raise CertificateRevoked(
            "Chứng thư này đã bị thu hồi, không đăng ký lại được. Hãy xin cấp chứng thư mới."
        )
    certificate = x509.load_der_x509_certificate(command.certificate)
    owner = await owner_for(session, command.staff_id, facility)
    check_certificate(certificate, owner, trust, now=now)
    same = Certificate.staff_id == command.staff_id if command.staff_id else Certificate.staff_id.is_(None)
    before = (same, Certificate.state == "ACTIVE", Certificate.key_kind == command.key_kind)
    await session.execute(update(Certificate).where(*before).values(state="RETIRED", ended_at=now))
    if known is not None:
        assert known.staff_id == command.staff_id  # The owner in it was checked above.
        known.state, known.ended_at = "ACTIVE", None
        known.key_kind, known.key_name, known.chain = command.key_kind, command.key_name, command.chain
        return await _noted(session, known, actor)
    names = names_of(certificate)
    row = Certificate(
        id=command.id,
        owner_kind="STAFF" if command.staff_id else "ORGANISATION",
        staff_id=command.staff_id,
        name=names.name,
        uid=names.uid,
        issuer=names.issuer,
        serial=f"{certificate.serial_number:X}",
        fingerprint=fingerprint,
        certificate=command.certificate,
        chain=command.chain,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key_kind=command.key_kind,
        key_name=command.key_name,
        state="ACTIVE",
        registered_at=now,
        registered_by=actor.id,
    )
    session.add(row)
    return await _noted(session, row, actor)


async def _noted(session: AsyncSession, row: Certificate, actor: Actor) -> CertificateView:
    await session.flush()
    detail = {"serial": row.serial, "key": row.key_kind}
    await record(
        session, Entry(action=Action.CREATE, subject=f"signing.certificate:{row.id}", detail=detail), actor
    )
    return view_of(row)


async def owner_for(session: AsyncSession, staff_id: UUID | None, facility: Facility) -> Owner:
    """Return who must stand in a certificate of a person, or of the organisation."""
    if staff_id is None:
        return Owner(facility.name, tax_code=facility.tax_code)
    staff = await get_staff(session, staff_id)
    return Owner(staff.name, personal_number=staff.citizen_id)


async def owner_of(session: AsyncSession, row: Certificate, facility: Facility) -> Owner:
    """Return who must stand in this certificate, from the staff record of today."""
    return await owner_for(session, row.staff_id, facility)


async def list_certificates(session: AsyncSession, *, ending_before: Instant) -> list[CertificateView]:
    """Return certificates in use that end before a moment, the first to end first."""
    found = await session.scalars(
        select(Certificate)
        .where(Certificate.state == "ACTIVE", Certificate.not_after < ending_before)
        .order_by(Certificate.not_after)
    )
    return [view_of(row) for row in found]


def view_of(row: Certificate) -> CertificateView:
    return CertificateView(
        id=row.id,
        staff_id=row.staff_id,
        key_kind=KeyKind(row.key_kind),
        key_name=row.key_name,
        name=row.name,
        uid=row.uid,
        issuer=row.issuer,
        serial=row.serial,
        not_before=row.not_before,
        not_after=row.not_after,
        state=row.state,
        registered_at=row.registered_at,
        standing=row.standing,
        checked_at=row.checked_at,
        revoked_at=row.revoked_at,
    )


async def active_certificate(
    session: AsyncSession, staff_id: UUID | None, *, key_kind: KeyKind
) -> Certificate:
    """Return the certificate in use of a person, or of the organisation, of one kind. Raises NoCertificate."""
    same = Certificate.staff_id == staff_id if staff_id else Certificate.staff_id.is_(None)
    in_use = (Certificate.state == "ACTIVE", Certificate.key_kind == key_kind)
    row = await session.scalar(select(Certificate).where(same, *in_use))
    if row is None:
        whose = "Bạn" if staff_id else "Cơ sở"
        raise NoCertificate(f"{whose} chưa có chứng thư số trong hệ thống. Hãy liên hệ quản trị để đăng ký.")
    return row


async def open_with_pin(
    services: Services, row: Certificate, pin: str, *, actor: Actor, now: Instant
) -> tuple[Certificate, SoftwareSigner | Pkcs11Signer]:
    """Open a person's key, in a file or on a token; a wrong PIN counts once and is recorded.

    Raises PinLocked and what `open_key` raises.
    """
    context = context_of(services)
    subject = f"signing.certificate:{row.id}"
    signer = await with_counted_pin(
        services,
        lambda: open_key(context, row, pin),
        subject=subject,
        actor=actor,
        now=now,
        nothing="ký văn bản nào",
    )
    return row, signer


async def with_counted_pin(
    services: Services,
    work: Callable[[], Awaitable[Result]],
    *,
    subject: str,
    actor: Actor,
    now: Instant,
    nothing: str,
) -> Result:
    """Do what a PIN opens; a wrong one counts once and is recorded, and says that `nothing` was done.

    Raises PinLocked and what `work` raises.
    """
    context = context_of(services)
    staff_id = actor.id
    async with services.sessions() as session:
        tries = await session.get(PinTries, staff_id)
        if tries is not None and tries.locked_until is not None and tries.locked_until > now:
            raise PinLocked("Mã PIN tạm khoá vì nhập sai nhiều lần. Chờ ít phút rồi thử lại.", field="pin")
    try:
        done = await work()
    except WrongPin as wrong:
        left = await _count_wrong_pin(services.sessions, staff_id, context, now=now)
        entry = Entry(action=Action.FAILURE, subject=subject, detail={"act": "wrong-pin"})
        await record_apart(services.sessions, entry, actor)
        more = f" Còn {left} lần thử." if left else " Mã PIN đã tạm khoá."
        said = wrong.detail.replace("không đúng.", f"không đúng, chưa {nothing}.", 1)
        raise WrongPin(said + more, field="pin") from None
    async with services.sessions.begin() as session:
        await session.execute(delete(PinTries).where(PinTries.staff_id == staff_id))
    return done


async def open_key(context: Context, row: Certificate, pin: str) -> SoftwareSigner | Pkcs11Signer:
    """Open the key of a registered certificate where it is.

    Raises WrongPin, WeakKey; for files KeyFileMissing, BadKeyFile; for tokens and HSMs what `open_token` raises.
    """
    if row.key_kind == KeyKind.PKCS12:
        return await open_file(context, row, pin)
    assert row.key_kind == KeyKind.PKCS11, row.key_kind
    settings = context.settings
    certificate = x509.load_der_x509_certificate(row.certificate)
    chain = tuple(x509.load_der_x509_certificate(der) for der in row.chain)
    return await open_token(
        settings.pkcs11_modules,
        read_token_uri(row.key_name),
        pin,
        certificate,
        chain or issuers_of(certificate, list(context.trust.intermediates)),
        allow_pkcs1=settings.allow_pkcs1,
        wait_seconds=settings.pkcs11_timeout_seconds,
    )


async def open_file(context: Context, row: Certificate, pin: str) -> SoftwareSigner:
    """Open the key file of a registered certificate. Raises KeyFileMissing, WrongPin, BadKeyFile, WeakKey."""
    path = context.keys_dir / f"{row.key_name}.p12"
    try:
        data = await anyio.to_thread.run_sync(Path.read_bytes, path)
    except FileNotFoundError:
        raise KeyFileMissing("Không tìm thấy tệp khóa của chứng thư này. Hãy liên hệ quản trị.") from None
    signer = await anyio.to_thread.run_sync(_open, data, pin, context.settings.allow_pkcs1)
    if signer.certificate.public_bytes(Encoding.DER) != row.certificate:
        raise KeyFileMissing("Tệp khóa không phải của chứng thư đã đăng ký. Hãy liên hệ quản trị.")
    if signer.chain:
        return signer
    issuers = issuers_of(signer.certificate, list(context.trust.intermediates))
    return signer.with_chain(issuers)


def _open(data: bytes, pin: str, allow_pkcs1: bool) -> SoftwareSigner:
    return open_pkcs12(data, pin, allow_pkcs1=allow_pkcs1)


async def _count_wrong_pin(sessions: Sessions, staff_id: UUID, context: Context, *, now: Instant) -> int:
    """Count one wrong PIN and return how many tries are left."""
    limit = context.settings.pin_tries
    async with sessions.begin() as session:
        statement = insert(PinTries).values(staff_id=staff_id, failed=1)
        statement = statement.on_conflict_do_update(
            index_elements=["staff_id"], set_={"failed": PinTries.failed + 1}
        )
        failed = (await session.execute(statement.returning(PinTries.failed))).scalar_one()
        if failed >= limit:
            until = now + timedelta(minutes=context.settings.pin_lock_minutes)
            await session.execute(
                update(PinTries).where(PinTries.staff_id == staff_id).values(failed=0, locked_until=until)
            )
    return max(0, limit - failed)
