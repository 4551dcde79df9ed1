"""Start a sitting: lease and prepare the documents, pin the certificate, ask the person's phone or token.

A sitting is in the database before anybody outside is asked; a job watches it, so that a stop at any moment leaves every
document signed or free again.
"""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec
from cryptography import x509
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record, record_apart
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.live import touch
from kernel.objects import ObjectDamaged, ObjectMissing
from kernel.outbox.api import enqueue
from kernel.problems import Problem, Refused
from kernel.services import Services
from kernel.staff.api import Actor
from signing.append import FieldTaken
from signing.certificates.models import Certificate
from signing.cms import load_certificate
from signing.context import Context, context_of
from signing.documents.models import Document
from signing.key_kinds import METHODS, KeyKind
from signing.keys import issuers_of
from signing.remote.csc import CredentialUnusable, CscClient, Sad
from signing.remote.finish import finish_remote
from signing.remote.models import RemoteItem, RemoteSitting
from signing.remote.rules import ItemState, SittingState
from signing.remote.sittings import (
    GRACE,
    Kept,
    SittingView,
    check_pinned,
    end_sitting,
    get_sitting,
    release,
    topic,
)
from signing.schemes import Scheme, scheme_for
from signing.tasks.batch import Leased, SignResult, SignState, look_for
from signing.tasks.engine import Look, Prepared, RemoteIdentity, pack, prepare_signature
from signing.tasks.service import BatchTooLarge, admit, choose_certificate, lease_documents

WATCH = "signing.watch_sitting"
ASKED = frozenset({KeyKind.CSC, KeyKind.TOKEN})
"""Keys that are asked and answer later."""


class WatchSitting(Struct, frozen=True):
    """Payload of the job that asks for the answer and ends a sitting whose time is over."""

    sitting_id: UUID


class NothingToSign(Refused):
    """Not one of the documents may be signed now."""

    slug = "nothing-to-sign"


class Plan(Struct, frozen=True):
    """What one sitting is about: certificate, scheme, documents."""

    id: UUID
    row: Certificate
    way: KeyKind
    scheme: Scheme
    expires_at: Instant


async def start_remote(
    services: Services, actor: Actor, document_ids: list[UUID], now: Instant, *, pin: str = "", otp: str = ""
) -> SittingView:
    """Prepare every listed document that waits for this person and ask for one approval of all.

    `pin` and `otp` are the remote service's, if it asks for them through us; a token's PIN never comes here. Raises
    NoCertificate, SignAnotherWay, BatchTooLarge, NothingToSign, WrongPin, WrongOtp, CscRefused, CscUnreachable,
    CredentialUnusable, CertificateChanged, the refusals of `check_certificate`, CertificateRevoked, StatusUnreachable.
    """
    try:
        return await _start(services, actor, list(dict.fromkeys(document_ids)), now, pin=pin, otp=otp)
    except Problem as refused:
        detail = {"problem": refused.slug, "documents": [str(key) for key in document_ids]}
        entry = Entry(action=Action.FAILURE, subject="signing.sitting", detail=detail)
        await record_apart(services.sessions, entry, actor)
        raise


async def _start(
    services: Services, actor: Actor, document_ids: list[UUID], now: Instant, *, pin: str, otp: str
) -> SittingView:
    context = context_of(services)
    if len(document_ids) > context.settings.batch_maximum:
        raise BatchTooLarge(f"Mỗi lần ký tối đa {context.settings.batch_maximum} văn bản.")
    row, others = await choose_certificate(services, actor, document_ids, ASKED)
    mine = [key for key in document_ids if key not in others]
    plan = await _plan(services, context, row, len(mine), now=now)
    await admit(services, context, row, load_certificate(row.certificate), now=now)
    until = plan.expires_at + GRACE
    leased, results = await lease_documents(services, actor, mine, plan.id, until=until, now=now)
    try:
        prepared, failed = await _prepare(services, context, plan, leased, actor, now=now)
        results |= failed | others
        if not prepared:
            reasons = [result.reason for result in results.values()]
            raise NothingToSign(reasons[0] if reasons else "Không có văn bản nào để ký.")
        await _write(services, plan, actor, prepared, results, now=now)
    except BaseException:
        await release(services, plan.id)
        raise
    await release(services, plan.id, only=list(failed))
    if plan.way is KeyKind.TOKEN:
        async with services.sessions.begin() as session:
            await _wait(session, plan.id, None)
    else:
        await _ask(services, plan, prepared, pin=pin, otp=otp, now=now)
    async with services.sessions() as session:
        return await get_sitting(session, plan.id)


async def _plan(
    services: Services, context: Context, row: Certificate, documents: int, *, now: Instant
) -> Plan:
    """Choose scheme and time; the remote service is asked for its certificate, which must be the registered one."""
    settings, way = context.settings, KeyKind(row.key_kind)
    if way is KeyKind.TOKEN:
        key = load_certificate(row.certificate).public_key()
        scheme = scheme_for(key, allow_pkcs1=settings.allow_pkcs1)
        return Plan(new_id(), row, way, scheme, now + timedelta(seconds=settings.agent_seconds))
    credential = await CscClient(services.http, settings).credential(row.key_name)
    check_pinned(credential.certificate, row.fingerprint)
    if not credential.enabled:
        raise CredentialUnusable("Chứng thư ở dịch vụ ký từ xa đang bị khoá. Hãy liên hệ nhà cung cấp.")
    if documents > credential.multisign:
        raise BatchTooLarge(
            f"Dịch vụ ký từ xa cho ký tối đa {credential.multisign} văn bản mỗi lần duyệt. Hãy chọn ít hơn."
        )
    scheme = credential.scheme(allow_pkcs1=settings.allow_pkcs1)
    return Plan(new_id(), row, way, scheme, now + timedelta(seconds=settings.csc_approval_seconds))


async def _prepare(
    services: Services, context: Context, plan: Plan, leased: list[Leased], actor: Actor, *, now: Instant
) -> tuple[list[tuple[Leased, Prepared]], dict[UUID, SignResult]]:
    """Bring each document through the gate and write its revision with a hole; what does not pass is told."""
    certificate = load_certificate(plan.row.certificate)
    identity = RemoteIdentity(certificate, _chain(context, plan.row, certificate), plan.scheme)
    look = Look(context.face(), title=actor.title)
    room = context.settings.token_room_bytes if context.stamps(services.http) else 0
    prepared: list[tuple[Leased, Prepared]] = []
    failed: dict[UUID, SignResult] = {}
    for item in leased:
        try:
            pdf = await services.objects.get(item.head)
            made = await prepare_signature(
                pdf,
                item.head,
                item.layout,
                item.slot.field,
                identity,
                trust=context.trust,
                token_room=room,
                look=look_for(look, item),
                now=now,
            )
        except Problem as refused:
            failed[item.document_id] = _failed(item, refused.detail)
        except FieldTaken:
            failed[item.document_id] = _failed(item, "Tệp không có ô ký này.")
        except (ObjectMissing, ObjectDamaged):
            reason = "Không đọc được tệp đã lưu hoặc tệp đã hỏng. Báo ngay cho quản trị hệ thống."
            failed[item.document_id] = _failed(item, reason)
        else:
            prepared.append((item, made))
    return prepared, failed


def _chain(context: Context, row: Certificate, own: x509.Certificate) -> tuple[x509.Certificate, ...]:
    pool = [load_certificate(der) for der in row.chain]
    return issuers_of(own, pool) or issuers_of(own, list(context.trust.intermediates))


def _failed(item: Leased, reason: str) -> SignResult:
    return SignResult(item.document_id, SignState.FAILED, item.title, reason)


async def _write(
    services: Services,
    plan: Plan,
    actor: Actor,
    prepared: Sequence[tuple[Leased, Prepared]],
    results: dict[UUID, SignResult],
    *,
    now: Instant,
) -> None:
    """Keep the sitting and what was prepared, and let a job watch it, before anybody outside is asked."""
    async with services.sessions.begin() as session:
        session.add(
            RemoteSitting(
                id=plan.id,
                staff_id=actor.id,
                certificate_id=plan.row.id,
                fingerprint=plan.row.fingerprint,
                method=METHODS[plan.way],
                scheme=plan.scheme,
                state=SittingState.PREPARED,
                reason="",
                session_id=actor.session_id,
                ip=actor.ip,
                device=actor.device,
                created_at=now,
                expires_at=plan.expires_at,
            )
        )
        await session.flush()
        rows = [_item(plan.id, at, item, made) for at, (item, made) in enumerate(prepared)]
        known = {item.document_id for item, _ in prepared}
        ids = await session.scalars(select(Document.id).where(Document.id.in_(list(results))))
        for at, key in enumerate(key for key in ids if key not in known):
            rows.append(_left_out(plan.id, len(prepared) + at, results[key]))
        await session.execute(insert(RemoteItem), rows)
        poll = context_of(services).settings.csc_poll_seconds
        first = now + timedelta(seconds=poll) if plan.way is KeyKind.CSC else plan.expires_at
        await enqueue(session, WATCH, WatchSitting(plan.id), key=str(plan.id), run_at=first)
        await record(session, _entry(plan, len(prepared)), actor)


def _item(sitting_id: UUID, at: int, item: Leased, made: Prepared) -> dict[str, object]:
    kept = Kept(replace(item, layout=None), pack(made), made.attributes)
    return {
        "sitting_id": sitting_id,
        "document_id": item.document_id,
        "position": at,
        "title": item.title,
        "head_sha256": item.head,
        "state": ItemState.WAITING,
        "reason": "",
        "prepared": msgspec.msgpack.encode(kept),
    }


def _left_out(sitting_id: UUID, at: int, result: SignResult) -> dict[str, object]:
    return {
        "sitting_id": sitting_id,
        "document_id": result.document_id,
        "position": at,
        "title": result.title,
        "head_sha256": "",
        "state": ItemState.FAILED if result.state is SignState.FAILED else ItemState.SKIPPED,
        "reason": result.reason,
        "prepared": None,
    }


def _entry(plan: Plan, documents: int) -> Entry:
    detail = {"act": "ask", "method": METHODS[plan.way], "documents": documents}
    return Entry(action=Action.CREATE, subject=f"signing.sitting:{plan.id}", detail=detail)


async def _wait(session: AsyncSession, sitting_id: UUID, reference: str | None) -> None:
    """Somebody outside knows of it now; a sitting that was cancelled meanwhile stays cancelled."""
    await session.execute(
        update(RemoteSitting)
        .where(RemoteSitting.id == sitting_id, RemoteSitting.state == SittingState.PREPARED)
        .values(state=SittingState.WAITING, reference=reference)
    )
    touch(session, topic(sitting_id))


async def _ask(
    services: Services,
    plan: Plan,
    prepared: Sequence[tuple[Leased, Prepared]],
    *,
    pin: str,
    otp: str,
    now: Instant,
) -> None:
    """Ask the remote service for leave; when it answers at once, sign at once."""
    client = CscClient(services.http, context_of(services).settings)
    hashes = [hashlib.sha256(made.attributes).digest() for _, made in prepared]
    async with services.sessions() as session:
        wanted = Document.id.in_([item.document_id for item, _ in prepared])
        rows = await session.execute(select(Document.id, Document.code).where(wanted))
        codes = {row.id: row.code for row in rows}
    # Title and verify code only: who the patient is stays in the hospital.
    lines = [f"{item.title} · {codes.get(item.document_id, '')}" for item, _ in prepared]
    try:
        answer = await client.authorize(
            plan.row.key_name, hashes, pin=pin, otp=otp, description="\n".join(lines)
        )
    except Problem as refused:
        await end_sitting(services, plan.id, SittingState.FAILED, refused.detail, now=now)
        raise
    async with services.sessions.begin() as session:
        await _wait(session, plan.id, None if isinstance(answer, Sad) else answer)
    if isinstance(answer, Sad):
        await finish_remote(services, plan.id, now, sad=answer)
