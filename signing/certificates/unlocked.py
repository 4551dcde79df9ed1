"""Software keys that are open for one sign-in: encrypted under its token, gone with it or after some idle minutes."""

import hashlib
import hmac
from datetime import timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.services import Services
from kernel.staff.api import Actor
from signing.certificates.models import Certificate, UnlockedKey
from signing.certificates.service import active_certificate, open_with_pin
from signing.context import context_of
from signing.key_kinds import KeyKind
from signing.keys import KeyLocked, SoftwareSigner, open_sealed


class UnlockView(Struct, frozen=True):
    """Until when the key stays open if it isn't used."""

    name: str
    not_after: Instant
    idle_minutes: int


async def unlock(services: Services, pin: str, token: str, *, actor: Actor, now: Instant) -> UnlockView:
    """Open the person's key for this sign-in: encrypted under its token, gone after some idle minutes.

    Raises NoCertificate and what `open_with_pin` raises.
    """
    async with services.sessions() as session:
        row = await active_certificate(session, actor.id, key_kind=KeyKind.PKCS12)
    row, signer = await open_with_pin(services, row, pin, actor=actor, now=now)
    assert isinstance(signer, SoftwareSigner)
    await keep_open(services, row, signer, token, actor=actor, now=now)
    return UnlockView(row.name, row.not_after, context_of(services).settings.idle_minutes)


async def keep_open(
    services: Services,
    row: Certificate,
    signer: SoftwareSigner,
    token: str,
    *,
    actor: Actor,
    now: Instant,
) -> None:
    """Keep an opened software key for this sign-in, encrypted under its token."""
    sealed = signer.sealed(token.encode(), bound_to=_binding(actor.id, row.id))
    values = {
        "token_hash": _token_hash(token),
        "staff_id": actor.id,
        "certificate_id": row.id,
        "session_id": actor.session_id,
        "sealed": sealed,
        "opened_at": now,
        "used_at": now,
    }
    async with services.sessions.begin() as session:
        statement = insert(UnlockedKey).values(values)
        await session.execute(statement.on_conflict_do_update(index_elements=["token_hash"], set_=values))
        entry = Entry(action=Action.LOGIN, subject=f"signing.certificate:{row.id}", detail={"act": "unlock"})
        await record(session, entry, actor)


async def open_unlocked(
    services: Services, token: str, *, actor: Actor, now: Instant, certificate: Certificate
) -> tuple[Certificate, SoftwareSigner]:
    """Return the key of a certificate that this sign-in has open, and start its idle time anew. Raises KeyLocked."""
    context = context_of(services)
    oldest = now - timedelta(minutes=context.settings.idle_minutes)
    async with services.sessions.begin() as session:
        found = await session.execute(
            update(UnlockedKey)
            .where(
                UnlockedKey.token_hash == _token_hash(token),
                UnlockedKey.staff_id == actor.id,
                UnlockedKey.certificate_id == certificate.id,
                UnlockedKey.used_at > oldest,
            )
            .values(used_at=now)
            .returning(UnlockedKey.sealed, UnlockedKey.certificate_id)
        )
        open_key = found.first()
        row = await session.get(Certificate, open_key.certificate_id) if open_key else None
    if open_key is None or row is None or row.state != "ACTIVE":
        raise KeyLocked("Khóa ký đang đóng. Hãy nhập mã PIN.", field="pin")
    signer = open_sealed(
        open_key.sealed,
        token.encode(),
        bound_to=_binding(actor.id, row.id),
        allow_pkcs1=context.settings.allow_pkcs1,
    )
    return row, signer


async def is_unlocked(session: AsyncSession, token: str, *, idle_minutes: int, now: Instant) -> bool:
    """Tell whether this sign-in has a key open."""
    oldest = now - timedelta(minutes=idle_minutes)
    found = await session.scalar(
        select(UnlockedKey.staff_id).where(
            UnlockedKey.token_hash == _token_hash(token), UnlockedKey.used_at > oldest
        )
    )
    return found is not None


async def lock(session: AsyncSession, token: str) -> None:
    """Close the key of this sign-in."""
    await session.execute(delete(UnlockedKey).where(UnlockedKey.token_hash == _token_hash(token)))


async def drop_idle_keys(session: AsyncSession, *, idle_minutes: int, now: Instant) -> None:
    """Delete keys nobody used for a while."""
    oldest = now - timedelta(minutes=idle_minutes)
    await session.execute(delete(UnlockedKey).where(UnlockedKey.used_at <= oldest))


def _token_hash(token: str) -> bytes:
    return hmac.digest(b"lanh unlocked key", token.encode(), hashlib.sha256)


def _binding(staff_id: UUID, certificate_id: UUID) -> bytes:
    return staff_id.bytes + certificate_id.bytes
