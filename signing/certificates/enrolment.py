"""Enrol somebody: make a key, ask an authority for its certificate, take the certificate in when it comes.

A software key is on disk only as a PKCS#12 under its owner's PIN, at first without a certificate; a key of a token or
HSM is made inside. What was made for a request that could not be kept is destroyed again.
"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated
from uuid import UUID

import anyio.to_thread
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)
from msgspec import Meta, Struct
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.problems import Conflict, NotFound, Refused
from kernel.services import Services
from kernel.staff.api import Actor, Role, get_staff
from signing.certificates.enrolment_rules import EnrolmentState, move
from signing.certificates.models import Enrolment
from signing.certificates.new_keys import MadeKey, complete_file, destroy_key, key_in_file, key_in_token
from signing.certificates.registry import (
    Whose,
    read_certificates,
    ready_command,
    see_token_unshared,
)
from signing.certificates.service import (
    CertificateView,
    owner_for,
    register_certificate,
    with_counted_pin,
)
from signing.context import context_of
from signing.key_kinds import KeyKind
from signing.pkcs11_uri import read_token_uri
from signing.requests import (
    Algorithm,
    subject_of,
)


class RequestCertificate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A certificate to be asked for. `staff_id` None: the organisation's."""

    id: UUID  # Made by the client and kept across retries: a second key is never made for it.
    staff_id: UUID | None = None
    key_kind: KeyKind = KeyKind.PKCS12
    token: Annotated[str, Meta(max_length=500)] = ""
    """PKCS11: address of the token or HSM slot, without a key and without PIN."""
    algorithm: Algorithm = Algorithm.RSA_2048
    pin: Annotated[str, Meta(max_length=64)]
    """PKCS12: the new PIN of the key; PKCS11: the PIN of the token."""


class EnrolmentView(Struct, frozen=True):
    id: UUID
    staff_id: UUID | None
    key_kind: KeyKind
    key_name: str
    algorithm: Algorithm
    subject: str
    state: EnrolmentState
    certificate_id: UUID | None
    requested_at: Instant
    ended_at: Instant | None
    reason: str


class EnrolmentNotFound(NotFound):
    slug = "enrolment-not-found"


class EnrolmentOpen(Conflict):
    """A certificate was asked for already, for this person and this place of the key."""

    slug = "enrolment-open"


class EnrolmentIdReused(Conflict):
    slug = "enrolment-id-reused"


class CertificateNotRequested(Refused):
    """The certificate is of another key than the one that was made."""

    slug = "certificate-not-requested"


class WrongKeyPlace(Refused):
    """Keys are made in files and in tokens at the server, nowhere else."""

    slug = "wrong-key-place"


async def request_certificate(
    services: Services, command: RequestCertificate, *, actor: Actor, now: Instant
) -> EnrolmentView:
    """Make a key and its request. The same command again returns the first result.

    Raises WrongKeyPlace, NumberMissing, WeakPin, EnrolmentOpen, EnrolmentIdReused, EnrolmentNotFound (not theirs to
    ask for); for tokens TokenShared and what `request_on_token` raises.
    """
    _see_allowed(actor, command.staff_id, command.key_kind)
    if command.key_kind not in (KeyKind.PKCS12, KeyKind.PKCS11):
        raise WrongKeyPlace(
            "Khóa chỉ tạo được trong tệp khóa hoặc trong HSM, token ở máy chủ. USB token ở máy người ký và ký từ xa:"
            " làm thủ tục với nhà cung cấp.",
            field="key_kind",
        )
    context, facility = context_of(services), services.settings.kernel.facility
    async with services.sessions() as session:
        before = await _before(session, command)
        if before is not None:
            return before
        owner = await owner_for(session, command.staff_id, facility)
        title = (await get_staff(session, command.staff_id)).title if command.staff_id else ""
    subject = subject_of(
        owner, organisation=facility.name, title=title, place=context.settings.request_number_in
    )
    made = await _make(services, command, subject, actor=actor, now=now)
    row = _row(command, made, subject, actor=actor, now=now)
    try:
        async with services.sessions.begin() as session:
            session.add(row)
            await session.flush()
            detail = {"act": "request", "key": row.key_kind, "algorithm": row.algorithm}
            await _note(session, row.id, Action.CREATE, detail, actor)
            return _view(row)
    except IntegrityError:
        await destroy_key(services, command.key_kind, made.name, command.pin)
        raise _open_already() from None
    except BaseException:
        await destroy_key(services, command.key_kind, made.name, command.pin)
        raise


async def list_enrolments(session: AsyncSession, actor: Actor, *, mine: bool = False) -> list[EnrolmentView]:
    """List what this person may see, the latest first: an administrator everybody's, others their own."""
    statement = select(Enrolment).order_by(Enrolment.requested_at.desc()).limit(200)
    if mine or not actor.has(Role.ADMIN):
        statement = statement.where(Enrolment.staff_id == actor.id)
    return [_view(row) for row in await session.scalars(statement)]


async def get_enrolment(session: AsyncSession, enrolment_id: UUID, actor: Actor) -> EnrolmentView:
    """Raises EnrolmentNotFound, also for somebody else's."""
    return _view(await _theirs(session, enrolment_id, actor))


async def request_pem(session: AsyncSession, enrolment_id: UUID, actor: Actor) -> bytes:
    """Return the request as it goes to the authority. Raises EnrolmentNotFound."""
    row = await _theirs(session, enrolment_id, actor)
    return x509.load_der_x509_csr(row.request).public_bytes(Encoding.PEM)


async def take_issued(
    services: Services, enrolment_id: UUID, data: bytes, pin: str, *, actor: Actor, now: Instant
) -> CertificateView:
    """Take the issued certificate in: from then on it signs as one that was brought along.

    `pin` opens a software key, whose file is completed; a token needs none. Raises EnrolmentNotFound, EnrolmentOver,
    BadCertificateFile, CertificateNotRequested, TokenShared, WrongPin, PinLocked, KeyFileMissing and what
    `ready_command` raises.
    """
    async with services.sessions() as session:
        row = await _theirs(session, enrolment_id, actor)
        move(EnrolmentState(row.state), EnrolmentState.ISSUED)
        kind = KeyKind(row.key_kind)
        if kind is KeyKind.PKCS11:
            await see_token_unshared(session, read_token_uri(row.key_name), Whose(row.staff_id))
    found = await anyio.to_thread.run_sync(read_certificates, data)
    leaf = _requested(found, row)
    command = await ready_command(services, Whose(row.staff_id), leaf, found, kind, row.key_name, now=now)
    if kind is KeyKind.PKCS12:
        work = partial(complete_file, services, row.key_name, pin, leaf, command.chain)
        await with_counted_pin(
            services, work, subject=_subject(row.id), actor=actor, now=now, nothing="nhận chứng thư"
        )
    context, facility = context_of(services), services.settings.kernel.facility
    async with services.sessions.begin() as session:
        row = await _theirs(session, enrolment_id, actor, lock=True)
        target = move(EnrolmentState(row.state), EnrolmentState.ISSUED)
        view = await register_certificate(
            session, command, trust=context.trust, facility=facility, actor=actor, now=now
        )
        row.state, row.certificate_id, row.ended_at, row.ended_by = target, view.id, now, actor.id
        await session.flush()
        await _note(session, row.id, Action.CHANGE, {"act": "issued", "serial": view.serial}, actor)
        return view


async def cancel_enrolment(
    services: Services, enrolment_id: UUID, reason: str, *, pin: str = "", actor: Actor, now: Instant
) -> EnrolmentView:
    """Give the asking up: the key is destroyed, one on a token if its PIN is given. Raises EnrolmentNotFound,
    EnrolmentOver, and for tokens what `remove_from_token` raises.
    """
    async with services.sessions() as session:
        row = await _theirs(session, enrolment_id, actor)
        move(EnrolmentState(row.state), EnrolmentState.CANCELLED)
    on_token = row.key_kind == KeyKind.PKCS11
    if on_token and pin:
        await with_counted_pin(
            services,
            lambda: destroy_key(services, KeyKind.PKCS11, row.key_name, pin),
            subject=_subject(enrolment_id),
            actor=actor,
            now=now,
            nothing="huỷ yêu cầu",
        )
    async with services.sessions.begin() as session:
        row = await _theirs(session, enrolment_id, actor, lock=True)
        row.state = move(EnrolmentState(row.state), EnrolmentState.CANCELLED)
        row.reason, row.ended_at, row.ended_by = reason, now, actor.id
        await session.flush()
        left = {"act": "cancel", "key": "left" if on_token and not pin else "destroyed"}
        await _note(session, row.id, Action.VOID, left, actor)
        view = _view(row)
    if not on_token:
        await destroy_key(services, KeyKind.PKCS12, view.key_name, "")
    return view


async def _make(
    services: Services, command: RequestCertificate, subject: x509.Name, *, actor: Actor, now: Instant
) -> MadeKey:
    if command.key_kind is KeyKind.PKCS12:
        return await key_in_file(services, command.pin, command.algorithm, subject, now=now)
    place = read_token_uri(command.token, key=False)
    async with services.sessions() as session:
        await see_token_unshared(session, place, Whose(command.staff_id))
    return await with_counted_pin(
        services,
        lambda: key_in_token(services, place, command.pin, command.algorithm, subject, now=now),
        subject=_subject(command.id),
        actor=actor,
        now=now,
        nothing="tạo khóa",
    )


def _row(
    command: RequestCertificate,
    made: MadeKey,
    subject: x509.Name,
    *,
    actor: Actor,
    now: Instant,
) -> Enrolment:
    return Enrolment(
        id=command.id,
        owner_kind="STAFF" if command.staff_id else "ORGANISATION",
        staff_id=command.staff_id,
        key_kind=command.key_kind,
        key_name=made.name,
        algorithm=command.algorithm,
        subject=subject.rfc4514_string({x509.NameOID.USER_ID: "UID", x509.NameOID.TITLE: "T"}),
        request=made.request,
        public_key=made.public_key,
        state=EnrolmentState.REQUESTED,
        requested_at=now,
        requested_by=actor.id,
        reason="",
    )


async def _before(session: AsyncSession, command: RequestCertificate) -> EnrolmentView | None:
    """Return what came of the same command earlier. Raises EnrolmentOpen, EnrolmentIdReused."""
    known = await session.get(Enrolment, command.id)
    if known is not None:
        same = (known.staff_id, known.key_kind, known.algorithm)
        if same != (command.staff_id, command.key_kind, command.algorithm):
            raise EnrolmentIdReused("Mã yêu cầu này đã dùng cho một yêu cầu khác.")
        return _view(known)
    owner = Enrolment.staff_id == command.staff_id if command.staff_id else Enrolment.staff_id.is_(None)
    waits = (Enrolment.state == EnrolmentState.REQUESTED, Enrolment.key_kind == command.key_kind)
    if await session.scalar(select(Enrolment.id).where(owner, *waits)):
        raise _open_already()
    return None


def _open_already() -> EnrolmentOpen:
    return EnrolmentOpen(
        "Đã có một yêu cầu cấp chứng thư đang chờ cho người này và nơi giữ khóa này."
        " Nhận chứng thư của yêu cầu đó, hoặc huỷ nó trước."
    )


def _see_allowed(actor: Actor, staff_id: UUID | None, kind: KeyKind) -> None:
    """An administrator asks for anybody; others for a key file of their own."""
    if not actor.has(Role.ADMIN) and (staff_id != actor.id or kind is KeyKind.PKCS11):
        raise EnrolmentNotFound(
            "Chỉ quản trị xin cấp chứng thư cho người khác, cơ sở, HSM hoặc token ở máy chủ."
        )


async def _theirs(
    session: AsyncSession, enrolment_id: UUID, actor: Actor, *, lock: bool = False
) -> Enrolment:
    row = await session.get(Enrolment, enrolment_id, with_for_update=lock, populate_existing=True)
    if row is None or not (actor.has(Role.ADMIN) or row.staff_id == actor.id):
        raise EnrolmentNotFound("Không tìm thấy yêu cầu cấp chứng thư này.")
    return row


def _requested(found: Sequence[x509.Certificate], row: Enrolment) -> x509.Certificate:
    """Return the certificate of the key that was made. Raises CertificateNotRequested."""
    for certificate in found:
        public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if public == row.public_key:
            return certificate
    raise CertificateNotRequested(
        "Chứng thư này không phải của yêu cầu này: khóa công khai khác. Hãy nhận đúng tệp nơi cấp gửi cho yêu cầu này.",
        field="file",
    )


def _subject(enrolment_id: UUID) -> str:
    return f"signing.enrolment:{enrolment_id}"


async def _note(
    session: AsyncSession, enrolment_id: UUID, action: Action, detail: dict[str, str], actor: Actor
) -> None:
    await record(session, Entry(action=action, subject=_subject(enrolment_id), detail=detail), actor)


def _view(row: Enrolment) -> EnrolmentView:
    return EnrolmentView(
        id=row.id,
        staff_id=row.staff_id,
        key_kind=KeyKind(row.key_kind),
        key_name=row.key_name,
        algorithm=Algorithm(row.algorithm),
        subject=row.subject,
        state=EnrolmentState(row.state),
        certificate_id=row.certificate_id,
        requested_at=row.requested_at,
        ended_at=row.ended_at,
        reason=row.reason,
    )
