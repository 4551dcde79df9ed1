"""Sittings as they are kept: seen by their owner, ended once, their documents set free."""

import hashlib
from datetime import timedelta
from uuid import UUID

from msgspec import Struct, msgpack
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.live import touch
from kernel.problems import Conflict, NotFound
from kernel.services import Services
from kernel.staff.api import SYSTEM, Actor
from signing.documents.models import Document
from signing.key_kinds import METHODS, KeyKind
from signing.remote.models import RemoteItem, RemoteSitting
from signing.remote.rules import ItemState, SittingState, WrongSittingState, move
from signing.tasks.batch import Leased

GRACE = timedelta(seconds=120)
"""How long completing may take: documents stay leased and a claim stays alive for this time."""


class SittingNotFound(NotFound):
    slug = "sitting-not-found"


class CertificateChanged(Conflict):
    """The key is no longer the one whose certificate was registered and pinned."""

    slug = "certificate-changed"


class BeingCompleted(Conflict):
    """The signatures have come and are being put into the files: too late to cancel."""

    slug = "being-completed"


class Kept(Struct, frozen=True):
    """What is kept of a prepared document: its lease, the revision with its hole, what has to be signed."""

    leased: Leased
    packed: bytes
    attributes: bytes


class ItemView(Struct, frozen=True):
    document_id: UUID
    title: str
    head_sha256: str
    state: ItemState
    reason: str
    attributes: bytes = b""
    """DER of the signed attributes, while the document waits."""

    @property
    def mark(self) -> str:
        """Eight digits of what will be signed, shown here and by the token's program alike."""
        return hashlib.sha256(self.attributes).hexdigest()[:8] if self.attributes else ""


class SittingView(Struct, frozen=True):
    id: UUID
    staff_id: UUID
    way: KeyKind
    state: SittingState
    reason: str
    fingerprint: str
    scheme: str
    created_at: Instant
    expires_at: Instant
    items: list[ItemView]
    certificate: bytes = b""

    @property
    def signed(self) -> int:
        return sum(item.state is ItemState.SIGNED for item in self.items)


def topic(sitting_id: UUID) -> str:
    """What screens that show a sitting listen to."""
    return f"signing.sitting:{sitting_id}"


def check_pinned(certificate: bytes, fingerprint: str) -> None:
    """Hold a certificate against the pinned one. Raises CertificateChanged."""
    if hashlib.sha256(certificate).hexdigest() != fingerprint:
        raise CertificateChanged(
            "Chứng thư của khóa này đã đổi so với chứng thư đã đăng ký. Chưa ký văn bản nào; hãy đăng ký lại."
        )


async def get_sitting(session: AsyncSession, sitting_id: UUID, actor: Actor | None = None) -> SittingView:
    """Return a sitting with its documents; with `actor` only that person's own. Raises SittingNotFound."""
    row = await session.get(RemoteSitting, sitting_id, populate_existing=True)
    if row is None or (actor is not None and row.staff_id != actor.id):
        raise SittingNotFound("Không tìm thấy phiên ký này.")
    items = await session.scalars(
        select(RemoteItem).where(RemoteItem.sitting_id == sitting_id).order_by(RemoteItem.position)
    )
    way = next(kind for kind, method in METHODS.items() if method == row.method)
    return SittingView(
        id=row.id,
        staff_id=row.staff_id,
        way=way,
        state=SittingState(row.state),
        reason=row.reason,
        fingerprint=row.fingerprint,
        scheme=row.scheme,
        created_at=row.created_at,
        expires_at=row.expires_at,
        items=[_item(item) for item in items],
    )


def _item(item: RemoteItem) -> ItemView:
    kept = msgpack.decode(item.prepared, type=Kept) if item.prepared else None
    return ItemView(
        document_id=item.document_id,
        title=item.title,
        head_sha256=item.head_sha256,
        state=ItemState(item.state),
        reason=item.reason,
        attributes=kept.attributes if kept else b"",
    )


async def live_sitting(session: AsyncSession, actor: Actor, *, now: Instant) -> SittingView | None:
    """Return the latest sitting of this person that still waits."""
    found = await session.scalar(
        select(RemoteSitting.id)
        .where(
            RemoteSitting.staff_id == actor.id,
            RemoteSitting.state.in_([SittingState.PREPARED, SittingState.WAITING]),
            RemoteSitting.expires_at > now,
        )
        .order_by(RemoteSitting.created_at.desc())
        .limit(1)
    )
    return await get_sitting(session, found) if found else None


async def sitting_of_reference(session: AsyncSession, reference: str) -> UUID | None:
    """Return the sitting that a remote service calls by this name."""
    where = (RemoteSitting.method == METHODS[KeyKind.CSC], RemoteSitting.reference == reference)
    return await session.scalar(select(RemoteSitting.id).where(*where))


async def lock_sitting(session: AsyncSession, sitting_id: UUID) -> RemoteSitting:
    """Return a sitting, locked for this transaction. Raises SittingNotFound."""
    row = await session.get(RemoteSitting, sitting_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise SittingNotFound("Không tìm thấy phiên ký này.")
    return row


async def cancel_sitting(services: Services, actor: Actor, sitting_id: UUID, now: Instant) -> SittingView:
    """Cancel one's own sitting: nothing is signed and the documents wait again.

    Raises SittingNotFound, WrongSittingState when it has ended, BeingCompleted.
    """
    async with services.sessions.begin() as session:
        row = await lock_sitting(session, sitting_id)
        if row.staff_id != actor.id:
            raise SittingNotFound("Không tìm thấy phiên ký này.")
        move(SittingState(row.state), SittingState.CANCELLED)
        if await has_values(session, sitting_id):
            raise BeingCompleted("Chữ ký đã được phê duyệt và đang ghi vào văn bản, không huỷ được nữa.")
        await _end(session, row, SittingState.CANCELLED, "Bạn đã huỷ yêu cầu ký.", now)
        entry = Entry(action=Action.CHANGE, subject=f"signing.sitting:{sitting_id}", detail={"act": "cancel"})
        await record(session, entry, actor)
        return await get_sitting(session, sitting_id)


async def has_values(session: AsyncSession, sitting_id: UUID) -> bool:
    """Tell whether signature values have come that are not yet in their files."""
    where = (RemoteItem.sitting_id == sitting_id, RemoteItem.state == ItemState.WAITING)
    found = await session.scalar(
        select(RemoteItem.document_id).where(*where, RemoteItem.value.is_not(None)).limit(1)
    )
    return found is not None


async def end_sitting(
    services: Services, sitting_id: UUID, target: SittingState, reason: str, *, now: Instant
) -> None:
    """End a sitting and set its documents free; one that has ended stays as it is."""
    async with services.sessions.begin() as session:
        row = await lock_sitting(session, sitting_id)
        try:
            move(SittingState(row.state), target)
        except WrongSittingState:
            return
        await _end(session, row, target, reason, now)
        detail = {"act": target.value}
        entry = Entry(action=Action.FAILURE, subject=f"signing.sitting:{sitting_id}", detail=detail)
        await record(session, entry, SYSTEM)


async def _end(
    session: AsyncSession, row: RemoteSitting, target: SittingState, reason: str, now: Instant
) -> None:
    row.state, row.reason, row.ended_at, row.claimed_until = target, reason, now, None
    await session.flush()
    await session.execute(
        update(RemoteItem)
        .where(RemoteItem.sitting_id == row.id, RemoteItem.state == ItemState.WAITING)
        .values(state=ItemState.FAILED, reason=reason, prepared=None)
    )
    await _free(session, row.id, None)
    touch(session, topic(row.id))


async def close_sitting(session: AsyncSession, row: RemoteSitting, reason: str, now: Instant) -> None:
    """Say how a sitting ended whose documents were all dealt with: signed if one was."""
    signed = await session.scalar(
        select(RemoteItem.document_id)
        .where(RemoteItem.sitting_id == row.id, RemoteItem.state == ItemState.SIGNED)
        .limit(1)
    )
    target = SittingState.SIGNED if signed else SittingState.FAILED
    move(SittingState(row.state), target)
    await _end(session, row, target, "" if signed else reason, now)


async def release(services: Services, sitting_id: UUID, *, only: list[UUID] | None = None) -> None:
    """Set documents free that are not, or no longer, part of a sitting."""
    if only == []:
        return
    async with services.sessions.begin() as session:
        await _free(session, sitting_id, only)


async def _free(session: AsyncSession, sitting_id: UUID, only: list[UUID] | None) -> None:
    statement = update(Document).where(Document.lease == sitting_id)
    if only is not None:
        statement = statement.where(Document.id.in_(only))
    await session.execute(statement.values(lease=None, lease_until=None))
