"""Complete a sitting: claim it, take the signature values, put them into the files, say what became of each.

Called by the provider's callback, by the job that asks, by the page of a token: whoever claims first does it, the others
find it done. Values are kept as soon as they come, so that a stop before the end is made good by the next call.
"""

import hashlib
from datetime import timedelta
from uuid import UUID

import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import msgpack
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.live import touch
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor, get_staff
from signing.certificates.models import Certificate
from signing.cms import load_certificate
from signing.context import context_of
from signing.documents.models import Document
from signing.gate import SignatureBroken
from signing.key_kinds import KeyKind
from signing.remote.csc import Approval, CscClient, CscUnreachable, Sad
from signing.remote.models import RemoteItem, RemoteSitting
from signing.remote.rules import ItemState, SittingState, is_claimed
from signing.remote.sittings import (
    GRACE,
    Kept,
    SittingView,
    check_pinned,
    close_sitting,
    end_sitting,
    get_sitting,
    has_values,
    lock_sitting,
    topic,
)
from signing.schemes import Scheme, holds, to_der
from signing.tasks.batch import Batch, Leased, SignResult, SignState, evidence_of
from signing.tasks.engine import Signed, complete_signature, unpack
from signing.tasks.service import admit

log = structlog.get_logger(__name__)
WRONG_VALUE = "Chữ ký nhận về không khớp văn bản hoặc không thuộc chứng thư đã chọn."


async def finish_remote(
    services: Services,
    sitting_id: UUID,
    now: Instant,
    *,
    sad: Sad | None = None,
    values: dict[UUID, bytes] | None = None,
) -> SittingView:
    """Sign what was approved, once: called again, or by several at a time, it returns how the sitting stands.

    `sad`: the remote service's leave; `values`: made by a token; neither: go on with values that have come. Raises
    SittingNotFound, CscUnreachable (the sitting goes on waiting if it can be asked again).
    """
    row = await _claim(services, sitting_id, now)
    if row is not None:
        await _run(services, row, sad, values, now)
    return await _view(services, sitting_id)


async def ask_remote(services: Services, sitting_id: UUID, now: Instant) -> SittingView:
    """Ask the remote service what became of a request, and act on the answer; one asks at a time.

    Raises CscUnreachable: the sitting goes on waiting.
    """
    row = await _claim(services, sitting_id, now)
    if row is None:
        return await _view(services, sitting_id)
    async with services.sessions() as session:
        come = await has_values(session, sitting_id)
    if come:
        await _run(services, row, None, None, now)
    elif row.reference is None:
        await _unclaim(services, sitting_id)
    else:
        await _ask(services, row, row.reference, now)
    return await _view(services, sitting_id)


async def _ask(services: Services, row: RemoteSitting, reference: str, now: Instant) -> None:
    try:
        answer = await CscClient(services.http, context_of(services).settings).check(reference)
    except CscUnreachable:
        await _unclaim(services, row.id)
        raise
    except Problem as refused:
        await end_sitting(services, row.id, SittingState.FAILED, refused.detail, now=now)
        return
    if isinstance(answer, Sad):
        await _run(services, row, answer, None, now)
    elif answer is Approval.DECLINED:
        reason = "Bạn đã từ chối trên điện thoại. Văn bản vẫn chờ ký."
        await end_sitting(services, row.id, SittingState.CANCELLED, reason, now=now)
    elif answer is Approval.EXPIRED:
        await end_sitting(services, row.id, SittingState.TIMED_OUT, TIMED_OUT, now=now)
    else:
        await _unclaim(services, row.id)


async def _run(
    services: Services, row: RemoteSitting, sad: Sad | None, values: dict[UUID, bytes] | None, now: Instant
) -> None:
    """Complete a claimed sitting, or end it in words."""
    try:
        await _complete(services, row, sad, values, now)
    except CscUnreachable as refused:
        if row.reference is None:
            await end_sitting(services, row.id, SittingState.FAILED, refused.detail, now=now)
        else:
            await _unclaim(services, row.id)
        raise
    except Problem as refused:
        await end_sitting(services, row.id, SittingState.FAILED, refused.detail, now=now)


async def _view(services: Services, sitting_id: UUID) -> SittingView:
    async with services.sessions() as session:
        return await get_sitting(session, sitting_id)


TIMED_OUT = "Hết thời gian chờ phê duyệt. Văn bản vẫn chờ ký."


async def expire_if_due(services: Services, sitting_id: UUID, now: Instant) -> bool:
    """End a sitting whose time is over, unless its signatures have come. Tells whether it has ended."""
    async with services.sessions() as session:
        row = await session.get(RemoteSitting, sitting_id, populate_existing=True)
        if row is None or SittingState(row.state).ended:
            return True
        if now < row.expires_at or is_claimed(row.claimed_until, now):
            return False
        come = await has_values(session, sitting_id)
    if come:
        await finish_remote(services, sitting_id, now)
    else:
        await end_sitting(services, sitting_id, SittingState.TIMED_OUT, TIMED_OUT, now=now)
    return True


async def _claim(services: Services, sitting_id: UUID, now: Instant) -> RemoteSitting | None:
    """Take the sitting for this call; None when it has ended, is not yet asked for, or another call has it."""
    async with services.sessions.begin() as session:
        row = await lock_sitting(session, sitting_id)
        if row.state != SittingState.WAITING or is_claimed(row.claimed_until, now):
            return None
        if now >= row.expires_at and not await has_values(session, sitting_id):
            return None  # An approval that comes too late signs nothing; the watch ends the sitting.
        row.claimed_until = now + GRACE
        longer = func.greatest(Document.lease_until, now + GRACE)
        await session.execute(update(Document).where(Document.lease == sitting_id).values(lease_until=longer))
    return row


async def _unclaim(services: Services, sitting_id: UUID) -> None:
    async with services.sessions.begin() as session:
        await session.execute(
            update(RemoteSitting)
            .where(RemoteSitting.id == sitting_id, RemoteSitting.state == SittingState.WAITING)
            .values(claimed_until=None)
        )


async def _complete(
    services: Services,
    row: RemoteSitting,
    sad: Sad | None,
    values: dict[UUID, bytes] | None,
    now: Instant,
) -> None:
    async with services.sessions() as session:
        certificate = await session.get(Certificate, row.certificate_id)
        assert certificate is not None, "a sitting names its certificate"
        items = await _waiting(session, row.id)
    check_pinned(certificate.certificate, row.fingerprint)
    if sad is not None:
        values = await _sign_remotely(services, row, certificate, items, sad)
    good = _sound(certificate, Scheme(row.scheme), items, values or {})
    if await _keep(services, row.id, items, good, given=values is not None):
        await _put_into_files(services, row, certificate, now)


async def _waiting(session: AsyncSession, sitting_id: UUID) -> list[RemoteItem]:
    found = await session.scalars(
        select(RemoteItem)
        .where(RemoteItem.sitting_id == sitting_id, RemoteItem.state == ItemState.WAITING)
        .order_by(RemoteItem.position)
    )
    return list(found)


def _kept(item: RemoteItem) -> Kept:
    assert item.prepared is not None, "a waiting item is prepared"
    return msgpack.decode(item.prepared, type=Kept)


async def _sign_remotely(
    services: Services, row: RemoteSitting, certificate: Certificate, items: list[RemoteItem], sad: Sad
) -> dict[UUID, bytes]:
    """Ask once more whose key it is, then for the values. Raises CertificateChanged, CscRefused, CscUnreachable."""
    client = CscClient(services.http, context_of(services).settings)
    credential = await client.credential(certificate.key_name)
    check_pinned(credential.certificate, row.fingerprint)
    hashes = [hashlib.sha256(_kept(item).attributes).digest() for item in items]
    made = await client.sign(certificate.key_name, sad, hashes, Scheme(row.scheme))
    return {item.document_id: value for item, value in zip(items, made, strict=True)}


def _sound(
    certificate: Certificate, scheme: Scheme, items: list[RemoteItem], values: dict[UUID, bytes]
) -> dict[UUID, bytes]:
    """Return the values that the pinned certificate's key made over what was prepared."""
    key = load_certificate(certificate.certificate).public_key()
    good = {}
    for item in items:
        value = values.get(item.document_id)
        if value is None:
            continue
        digest = hashlib.sha256(_kept(item).attributes).digest()
        if isinstance(key, ec.EllipticCurvePublicKey) and len(value) == 2 * ((key.key_size + 7) // 8):
            value = to_der(value)  # Tokens and some services write r and s side by side.
        if holds(key, scheme, value, digest):
            good[item.document_id] = value
    return good


async def _keep(
    services: Services, sitting_id: UUID, items: list[RemoteItem], good: dict[UUID, bytes], *, given: bool
) -> bool:
    """Write the values down before anything else can go wrong; documents without a sound one have failed.

    Returns False, and keeps nothing, when the sitting was cancelled while the values were made.
    """
    async with services.sessions.begin() as session:
        if (await lock_sitting(session, sitting_id)).state != SittingState.WAITING:
            return False
        for item in items:
            here = (RemoteItem.sitting_id == sitting_id, RemoteItem.document_id == item.document_id)
            change = update(RemoteItem).where(*here, RemoteItem.value.is_(None))
            if value := good.get(item.document_id):
                await session.execute(change.values(value=value))
            elif given and item.value is None:
                failed = {"state": ItemState.FAILED, "reason": WRONG_VALUE, "prepared": None}
                await session.execute(change.values(**failed))
    return True


async def _put_into_files(
    services: Services, row: RemoteSitting, certificate: Certificate, now: Instant
) -> None:
    """Ask the certificate's standing anew, complete each file, and end the sitting."""
    context = context_of(services)
    path, answers = await admit(
        services, context, certificate, load_certificate(certificate.certificate), now=now
    )
    async with services.sessions() as session:
        staff = await get_staff(session, row.staff_id)
        items = [item for item in await _waiting(session, row.id) if item.value is not None]
    actor = Actor(
        id=staff.id,
        name=staff.name,
        title=staff.title,
        roles=staff.roles,
        department=staff.department,
        session_id=row.session_id,
        ip=row.ip,
        device=row.device,
    )
    evidence = evidence_of(actor, certificate, Scheme(row.scheme), row.method, path, answers, now=now)
    completing = _Completing(services, row.id, items, now)
    batch = Batch(services, evidence, row.id, completing, now=now, on_finished=completing.write_down)
    results = await batch.run([completing.kept[item.document_id].leased for item in items])
    async with services.sessions.begin() as session:
        await completing.write_down(session, list(results.values()))
        locked = await lock_sitting(session, row.id)
        reasons = [result.reason for result in results.values() if result.reason]
        await close_sitting(session, locked, reasons[0] if reasons else WRONG_VALUE, now)


class _Completing:
    """Completes the files of one sitting from the values that came."""

    def __init__(self, services: Services, sitting_id: UUID, items: list[RemoteItem], now: Instant) -> None:
        context = context_of(services)
        self._id, self._now, self._trust = sitting_id, now, context.trust
        self._stamps = context.stamps(services.http)
        self._values = {item.document_id: item.value for item in items}
        self.kept = {item.document_id: _kept(item) for item in items}

    async def __call__(self, item: Leased, pdf: bytes) -> Signed:
        value = self._values[item.document_id]
        if value is None:
            raise SignatureBroken(WRONG_VALUE)
        prepared = unpack(self.kept[item.document_id].packed, pdf)
        stamp = await self._stamps.stamp(value, now=self._now) if self._stamps else None
        return complete_signature(prepared, pdf, value, stamp, trust=self._trust, now=self._now)

    async def write_down(self, session: AsyncSession, results: list[SignResult]) -> None:
        """Say what became of each document, in the transaction that signed it."""
        for result in results:
            signed = result.state is SignState.SIGNED
            state = ItemState.SIGNED if signed else ItemState.FAILED
            await session.execute(
                update(RemoteItem)
                .where(
                    RemoteItem.sitting_id == self._id,
                    RemoteItem.document_id == result.document_id,
                    RemoteItem.state == ItemState.WAITING,
                )
                .values(state=state, reason=result.warning if signed else result.reason, prepared=None)
            )
        touch(session, topic(self._id))


def watch_again(row_way: KeyKind, expires_at: Instant, now: Instant, poll_seconds: int) -> timedelta:
    """Say when to look at a sitting again: a service is asked often, a token's page tells by itself."""
    left = max(timedelta(seconds=1), expires_at - now)
    return min(left, timedelta(seconds=poll_seconds)) if row_way is KeyKind.CSC else left
