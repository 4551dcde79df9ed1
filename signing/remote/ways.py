"""Which way a person will sign, told before they do; what the remote service asks of them."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import select

from kernel.clock import Instant
from kernel.problems import Problem
from kernel.services import Services
from kernel.staff.api import Actor
from signing.certificates.models import Certificate
from signing.certificates.service import NoCertificate
from signing.context import context_of
from signing.documents.models import Document
from signing.key_kinds import AT_ONCE, KIND_WORDS, KeyKind
from signing.policy.service import signer_for, signers_for
from signing.remote.csc import Credential, CscClient
from signing.tasks.service import choose_certificate

_KEEP = timedelta(minutes=5)
_known: dict[tuple[str, str], tuple[Instant, Credential]] = {}


class Way(Struct, frozen=True):
    """How the chosen documents are signed. `trouble`: why it would not work now."""

    kind: KeyKind
    words: str
    app: str = ""
    asks_pin: bool = False
    asks_otp: bool = False
    sends_otp: bool = False
    trouble: str = ""

    @property
    def at_once(self) -> bool:
        return self.kind in AT_ONCE


class Step(Struct, frozen=True):
    """Types of document that one certificate signs, and how. No `way`: this person has no certificate for them."""

    kinds: frozenset[str]
    way: Way | None

    @property
    def at_once(self) -> bool:
        return self.way is None or self.way.at_once


async def steps_of(services: Services, actor: Actor, kinds: Sequence[str], now: Instant) -> list[Step]:
    """Sort types of document by the certificate that signs them by policy; what is signed at once comes first."""
    async with services.sessions() as session:
        chosen = await signers_for(session, actor.id, kinds)
    groups: dict[UUID | None, list[str]] = {}
    rows: dict[UUID | None, Certificate | None] = {}
    for kind, row in chosen.items():
        found = None if isinstance(row, NoCertificate) else row
        key = found.id if found else None
        groups.setdefault(key, []).append(kind)
        rows[key] = found
    steps = [
        Step(frozenset(groups[key]), await _way(services, held, now) if held else None)
        for key, held in rows.items()
    ]
    return sorted(steps, key=lambda step: not step.at_once)


async def way_of(services: Services, actor: Actor, document_ids: list[UUID], now: Instant) -> Way | None:
    """Return the way the first of these documents is signed; None for somebody without a certificate."""
    async with services.sessions() as session:
        rows = await session.execute(select(Document.id, Document.kind).where(Document.id.in_(document_ids)))
        kinds = {row.id: row.kind for row in rows}
        first = next((kinds[key] for key in document_ids if key in kinds), "")
        try:
            row = await signer_for(session, actor.id, first)
        except NoCertificate:
            return None
    return await _way(services, row, now)


async def _way(services: Services, row: Certificate, now: Instant) -> Way:
    kind = KeyKind(row.key_kind)
    way = Way(kind, KIND_WORDS[kind])
    return await _asked(services, way, row.key_name, now) if kind is KeyKind.CSC else way


async def _asked(services: Services, way: Way, credential_id: str, now: Instant) -> Way:
    settings = context_of(services).settings
    key = (settings.csc_url, credential_id)
    known = _known.get(key)
    if known is None or known[0] < now - _KEEP:
        try:
            known = (now, await CscClient(services.http, settings).credential(credential_id))
        except Problem as refused:
            return Way(way.kind, way.words, settings.csc_name, trouble=refused.detail)
        _known[key] = known
    found = known[1]
    return Way(way.kind, way.words, settings.csc_name, found.asks_pin, found.asks_otp, found.sends_otp)


async def send_code(services: Services, actor: Actor, document_ids: list[UUID], *, kind: str = "") -> None:
    """Let the remote service send a one-time code to the owner of the key that signs these documents, or this kind.

    Raises NoCertificate, SignAnotherWay, CscRefused, CscUnreachable.
    """
    row, _ = await choose_certificate(services, actor, document_ids, frozenset({KeyKind.CSC}), kind=kind)
    await CscClient(services.http, context_of(services).settings).send_otp(row.key_name)
