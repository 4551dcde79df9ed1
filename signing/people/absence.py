"""Nobody signs, or a finger signs on paper: the reason and two witnesses with their own keys, or the scanned paper."""

import base64
import hashlib
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import replace
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record, record_apart
from kernel.clock import Instant, format_instant
from kernel.outbox.api import enqueue
from kernel.problems import Conflict, Forbidden, Problem, Refused
from kernel.services import Services
from kernel.staff.api import Actor
from signing.certificates.service import open_with_pin
from signing.context import context_of
from signing.documents.models import Document
from signing.key_kinds import AT_ONCE, KeyKind
from signing.people import bundle as b
from signing.people.evidence import SEAL_SITTING, SealSitting, compose, keep_bundles, require_waiting
from signing.people.models import Sitting, SittingDocument, SittingWitness
from signing.people.pictures import kind_of_scan
from signing.people.rules import Kind, Method, State
from signing.people.sittings import WrongSittingState, expire, lock_sitting, move, require_live, tell
from signing.people.views import SittingView, view_of
from signing.policy.service import signer_for
from signing.tasks.service import admit

WITNESSES = 2


class AlreadyWitness(Conflict):
    slug = "already-witness"


class AuthorMayNotWitness(Forbidden):
    """Who wants the consent does not witness that it was not given."""

    slug = "author-may-not-witness"


class WitnessNeedsKey(Refused):
    """A witness signs at once, with a key that a PIN opens here."""

    slug = "witness-needs-key"


class BadScan(Refused):
    slug = "bad-scan"


class NewScan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The scanned paper that bears a fingerprint (điểm chỉ). `paper_kept`: where the paper stays (NĐ 137/2024 Đ4)."""

    document_id: UUID
    data: bytes
    paper_kept: Annotated[str, Meta(min_length=3, max_length=200)]


async def witness(
    services: Services, sitting_id: UUID, pin: str, *, actor: Actor, now: Instant
) -> SittingView:
    """Confirm with the own key that the listed documents were not signed; the second witness completes it.

    Raises AlreadyWitness, AuthorMayNotWitness, WitnessNeedsKey, WrongPin, PinLocked, NoCertificate, the refusals of
    `admit`, NotForThePatient, SittingNotFound, SittingExpired, WrongSittingState.
    """
    async with services.sessions.begin() as session:
        await expire(session, sitting_id, now=now)
    async with services.sessions.begin() as session:
        view = await view_of(session, await _require_witness(services, session, sitting_id, actor))
        chosen = await signer_for(session, actor.id, "")
    if KeyKind(chosen.key_kind) not in AT_ONCE:
        raise WitnessNeedsKey("Người làm chứng phải ký bằng khoá mở được bằng mã PIN tại đây.")
    statement = statement_for(view)
    try:
        row, signer = await open_with_pin(services, chosen, pin, actor=actor, now=now)
        await admit(services, context_of(services), row, signer.certificate, now=now)
    except Problem as refused:
        detail = {"act": "witness", "problem": refused.slug}
        entry = Entry(
            Action.FAILURE, f"signing.sitting:{sitting_id}", patient_id=view.patient_id, detail=detail
        )
        await record_apart(services.sessions, entry, actor)
        raise
    attributes = signer.template.attributes(hashlib.sha256(statement.encode()).digest())
    cms = signer.template.assemble(attributes, await signer.sign(attributes))
    made = SittingWitness(
        sitting_id=sitting_id,
        staff_id=actor.id,
        name=actor.name,
        title=actor.title,
        certificate_id=row.id,
        statement_sha256=b.digest(statement.encode()),
        cms=cms,
        witnessed_at=now,
        session_id=actor.session_id,
        ip=actor.ip,
    )
    async with services.sessions.begin() as session:
        return await _add(services, session, made, actor=actor, now=now)


async def _require_witness(
    services: Services, session: AsyncSession, sitting_id: UUID, actor: Actor
) -> Sitting:
    """Lock the sitting if this person may witness it now."""
    row = await lock_sitting(session, sitting_id)
    require_live(row)
    if row.kind != Kind.ABSENCE:
        raise WrongSittingState("Lần ký này không cần người làm chứng.")
    if await session.get(SittingWitness, (sitting_id, actor.id)) is not None:
        raise AlreadyWitness("Bạn đã xác nhận. Cần một người làm chứng khác.")
    view = await view_of(session, row)
    await require_waiting(session, view)
    authors = await session.scalars(
        select(Document.author_id).where(Document.id.in_([item.document_id for item in view.documents]))
    )
    if actor.id in authors.all() and not context_of(services).settings.people_author_may_witness:
        raise AuthorMayNotWitness("Người lập văn bản không làm chứng cho văn bản của mình.")
    return row


async def _add(
    services: Services, session: AsyncSession, made: SittingWitness, *, actor: Actor, now: Instant
) -> SittingView:
    row = await _require_witness(services, session, made.sitting_id, actor)
    session.add(made)
    await session.flush()
    view = await view_of(session, row)
    if len(view.witnesses) == WITNESSES:
        row.method = Method.WITNESSED
        move(row, State.SIGNED)
        row.signed_at = now
        await enqueue(session, SEAL_SITTING, SealSitting(row.id))
    await session.flush()
    entry = Entry(
        action=Action.SIGN,
        subject=f"signing.sitting:{row.id}",
        patient_id=row.patient_id,
        reason=row.reason,
        detail={"act": "witness", "absence": row.absence, "statement": made.statement_sha256},
    )
    await record(session, entry, actor)
    tell(session, row.id)
    return await view_of(session, row)


def statement_for(view: SittingView) -> str:
    """Return the words that both witnesses of a sitting sign."""
    assert view.absence is not None
    return b.statement_of(
        documents=tuple(item.sha256 for item in view.documents),
        titles=tuple(item.title for item in view.documents),
        patient=view.patient_name,
        absence=view.absence,
        reason=view.reason,
        at=view.opened_at,
    )


async def bundles_of_witnesses(services: Services, view: SittingView) -> None:
    """Store the bundles of a witnessed sitting; the same rows give the same bundles, however often this runs."""
    assert view.signed_at is not None
    assert view.absence is not None
    async with services.sessions() as session:
        rows = await session.scalars(
            select(SittingWitness)
            .where(SittingWitness.sitting_id == view.id)
            .order_by(SittingWitness.witnessed_at, SittingWitness.staff_id)
        )
        witnesses = tuple(
            b.Witness(
                id=row.staff_id,
                name=row.name,
                title=row.title,
                at=row.witnessed_at,
                cms=base64.b64encode(row.cms).decode(),
            )
            for row in rows
        )
    unsigned = b.Unsigned(
        absence=view.absence, reason=view.reason, statement=statement_for(view), witnesses=witnesses
    )
    for item in view.documents:
        if item.bundle_sha256 is not None:
            continue
        made = replace(compose(view, item, Method.WITNESSED, "", now=view.signed_at), unsigned=unsigned)
        sha256 = await services.objects.put(b.encode(made))
        async with services.sessions.begin() as session:
            await session.execute(
                update(SittingDocument)
                .where(
                    SittingDocument.sitting_id == view.id,
                    SittingDocument.document_id == item.document_id,
                    SittingDocument.bundle_sha256.is_(None),
                )
                .values(bundle_sha256=sha256, signed_at=view.signed_at)
            )


async def attach_scan(
    services: Services, sitting_id: UUID, command: NewScan, *, actor: Actor, now: Instant
) -> SittingView:
    """Take the scan of a paper that bears the person's fingerprint; the last of them completes the sitting.

    Raises BadScan, NotForThePatient, SittingNotFound, SittingExpired, WrongSittingState.
    """
    media_type = await _kind_of(services, command.data)
    async with services.sessions.begin() as session:
        await expire(session, sitting_id, now=now)
    async with services.sessions.begin() as session:
        view = await _require_paper(session, sitting_id)
    item = next((item for item in view.documents if item.document_id == command.document_id), None)
    if item is None or item.bundle_sha256 is not None:
        raise BadScan("Văn bản này không chờ bản quét.", field="document_id")
    made = replace(
        compose(view, item, Method.PAPER, "", now=now),
        scan=_scan(command, media_type, actor, services.settings.kernel.facility.name, now=now),
        staff=b.Staff(id=actor.id, name=actor.name, title=actor.title, department=actor.department),
    )
    scan_sha256 = await services.objects.put(command.data)
    stored = {item.document_id: await services.objects.put(b.encode(made))}
    async with services.sessions.begin() as session:
        await _require_paper(session, sitting_id)
        row = await lock_sitting(session, sitting_id)
        await session.execute(
            update(SittingDocument)
            .where(
                SittingDocument.sitting_id == sitting_id,
                SittingDocument.document_id == item.document_id,
                SittingDocument.bundle_sha256.is_(None),
            )
            .values(scan_sha256=scan_sha256)
        )
        await keep_bundles(session, row, Method.PAPER, stored, now=now)
        detail = {"act": "scan", "document": str(item.document_id), "scan": scan_sha256}
        entry = Entry(Action.SIGN, f"signing.sitting:{row.id}", patient_id=row.patient_id, detail=detail)
        await record(session, entry, actor)
        return await view_of(session, row)


async def _kind_of(services: Services, data: bytes) -> str:
    """Return the media type of a scan. Raises BadScan."""
    most = context_of(services).settings.people_scan_bytes_maximum
    if len(data) > most:
        raise BadScan(f"Bản quét lớn hơn {most // 1_000_000} MB.", field="scan")
    media_type = await services.cpu.run(kind_of_scan, data)
    if not media_type:
        raise BadScan("Bản quét phải là tệp PDF, JPEG hoặc PNG đọc được.", field="scan")
    return media_type


def _scan(command: NewScan, media_type: str, actor: Actor, facility: str, *, now: Instant) -> b.Scan:
    who = f"{actor.title} {actor.name}".strip()
    return b.Scan(
        name=f"{b.SCAN_NAME}.{media_type.rpartition('/')[2]}",
        media_type=media_type,
        sha256=b.digest(command.data),
        size=len(command.data),
        mark=f"Bản chuyển đổi từ giấy sang điện tử lúc {format_instant(now)}, người chuyển đổi: {who}, {facility}",
        paper_kept=command.paper_kept.strip(),
    )


async def _require_paper(session: AsyncSession, sitting_id: UUID) -> SittingView:
    row = await lock_sitting(session, sitting_id)
    require_live(row)
    if row.kind != Kind.PAPER:
        raise WrongSittingState("Lần ký này không nhận bản quét.")
    view = await view_of(session, row)
    await require_waiting(session, view)
    return view
