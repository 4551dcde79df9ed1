"""Watch certificates: warn before they end, see within a day that one was revoked."""

from datetime import timedelta
from uuid import UUID

from cryptography import x509
from msgspec import Struct
from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.problems import NotFound
from kernel.services import Services
from kernel.staff.api import SYSTEM, Actor
from signing.certificates.models import Certificate, Notice
from signing.certificates.registry import close_keys
from signing.certificates.rules import NoticeKind, due_notice
from signing.certificates.service import CertificateView, view_of
from signing.context import context_of
from signing.key_kinds import KeyKind
from signing.status import Answer, Answers, Standing, StatusClient

CHECK = "signing.check_certificate"
CHECK_EVERY = timedelta(hours=6)
"""How often each certificate's authority is asked; four times in the day within which a revocation must be seen."""
ROUND_EVERY = timedelta(minutes=15)
"""How often what is stale is looked for: after a stop of hours, or of the authority, nothing waits for six hours."""


class CheckCertificate(Struct, frozen=True):
    """Payload of the job that asks the authority about one certificate."""

    certificate_id: UUID


class NoticeView(Struct, frozen=True):
    id: UUID
    kind: NoticeKind
    certificate: CertificateView
    made_at: Instant


class NoticeNotFound(NotFound):
    slug = "notice-not-found"


async def stale_ids(session: AsyncSession, *, now: Instant) -> list[UUID]:
    """List the certificates in use whose standing is old, was never heard, or could not be heard a while ago."""
    asked = Certificate.checked_at
    unheard = (Certificate.standing == Standing.UNREACHABLE) & (asked <= now - ROUND_EVERY)
    stale = or_(asked.is_(None), asked <= now - CHECK_EVERY, unheard)
    found = await session.scalars(select(Certificate.id).where(Certificate.state == "ACTIVE", stale))
    return list(found)


async def warn_of_ends(session: AsyncSession, *, now: Instant) -> int:
    """Make the warnings that are due, each once; return how many are new."""
    found = await session.execute(
        select(Certificate.id, Certificate.not_after).where(
            Certificate.state == "ACTIVE", Certificate.not_after < now + timedelta(days=61)
        )
    )
    new = 0
    for certificate_id, not_after in found.all():
        kind = due_notice(not_after, now)
        if kind is not None and await make_notice(session, certificate_id, kind, now=now):
            new += 1
    return new


async def make_notice(session: AsyncSession, certificate_id: UUID, kind: NoticeKind, *, now: Instant) -> bool:
    """Make a warning unless it was made before. Earlier ones of this certificate are put aside: the newest says it all."""
    values = {"id": new_id(), "certificate_id": certificate_id, "kind": kind, "made_at": now}
    statement = insert(Notice).values(values).on_conflict_do_nothing().returning(Notice.id)
    if (await session.execute(statement)).first() is None:
        return False
    older = (Notice.certificate_id == certificate_id, Notice.kind != kind)
    await session.execute(
        update(Notice)
        .where(*older)
        .values(
            owner_seen_at=func.coalesce(Notice.owner_seen_at, now),
            admin_seen_at=func.coalesce(Notice.admin_seen_at, now),
        )
    )
    return True


async def check_standing(services: Services, certificate_id: UUID, *, now: Instant) -> Standing:
    """Ask the authorities about one certificate and its issuers and keep the answer; a revoked one is out of use at once."""
    context = context_of(services)
    async with services.sessions() as session:
        row = await session.get(Certificate, certificate_id)
    if row is None or row.state != "ACTIVE":
        return Standing.UNKNOWN
    certificate = x509.load_der_x509_certificate(row.certificate)
    path = context.trust.path(certificate, at=now, extra=row.chain)
    answers: list[Answer] = []
    if path is not None:
        client = StatusClient(
            services.http,
            timeout_seconds=context.settings.status_timeout_seconds,
            keep=timedelta(0),
            answers=Answers(),  # What another signature heard an hour ago does not count here.
        )
        answers = await client.ask_path(path, now=now)
    standing = worst_of(answers)
    async with services.sessions.begin() as session:
        await _keep(session, certificate_id, standing, answers, now=now)
    return standing


def worst_of(answers: list[Answer]) -> Standing:
    """Return the worst of the tiers; no answer at all is no good answer."""
    order = (Standing.REVOKED, Standing.UNREACHABLE, Standing.UNKNOWN)
    standings = {answer.standing for answer in answers} or {Standing.UNREACHABLE}
    return next((standing for standing in order if standing in standings), Standing.GOOD)


async def _keep(
    session: AsyncSession, certificate_id: UUID, standing: Standing, answers: list[Answer], *, now: Instant
) -> None:
    row = await session.get(Certificate, certificate_id, with_for_update=True)
    if row is None or row.state != "ACTIVE":
        return
    row.standing, row.checked_at = standing, now
    if standing is not Standing.REVOKED:
        return
    moments = [answer.revoked_at for answer in answers if answer.standing is Standing.REVOKED]
    row.state, row.ended_at, row.revoked_at = "REVOKED", now, next((at for at in moments if at), now)
    await close_keys(session, certificate_id)
    await make_notice(session, certificate_id, NoticeKind.REVOKED, now=now)
    entry = Entry(
        action=Action.CHANGE,
        subject=f"signing.certificate:{certificate_id}",
        detail={"act": "revoked", "at": row.revoked_at.isoformat()},
    )
    await record(session, entry, SYSTEM)


async def notices_of(session: AsyncSession, staff_id: UUID) -> list[NoticeView]:
    """Return the warnings a person has not put aside, about certificates of their own."""
    where = (Certificate.staff_id == staff_id, Notice.owner_seen_at.is_(None))
    return await _notices(session, *where)


async def notices_for_admin(session: AsyncSession) -> list[NoticeView]:
    """Return the warnings no administrator has put aside."""
    return await _notices(session, Notice.admin_seen_at.is_(None))


async def _notices(session: AsyncSession, *where: object) -> list[NoticeView]:
    still = or_(Certificate.state == "ACTIVE", Notice.kind == NoticeKind.REVOKED)
    found = await session.execute(
        select(Notice, Certificate)
        .join(Certificate, Certificate.id == Notice.certificate_id)
        .where(still, *where)  # type: ignore[arg-type]  # conditions of either table
        .order_by(Certificate.not_after)
    )
    return [
        NoticeView(notice.id, NoticeKind(notice.kind), view_of(row), notice.made_at) for notice, row in found
    ]


async def see_notice(
    session: AsyncSession, notice_id: UUID, *, actor: Actor, admin: bool, now: Instant
) -> None:
    """Put a warning aside, as its owner or as administrator. Raises NoticeNotFound, also for somebody else's."""
    row = await session.get(Notice, notice_id, with_for_update=True)
    certificate = await session.get(Certificate, row.certificate_id) if row else None
    mine = certificate is not None and certificate.staff_id == actor.id
    if row is None or not (admin or mine):
        raise NoticeNotFound("Không tìm thấy lời nhắc này.")
    if admin:
        row.admin_seen_at = row.admin_seen_at or now
    if mine:
        row.owner_seen_at = row.owner_seen_at or now


async def registry(session: AsyncSession, *, ended: bool = False) -> list[CertificateView]:
    """List certificates in use by their end, or those put aside, the last first."""
    if ended:
        statement = (
            select(Certificate).where(Certificate.state != "ACTIVE").order_by(Certificate.ended_at.desc())
        )
    else:
        statement = select(Certificate).where(Certificate.state == "ACTIVE").order_by(Certificate.not_after)
    return [view_of(row) for row in await session.scalars(statement.limit(2_000))]


async def certificates_of(session: AsyncSession, staff_id: UUID) -> list[CertificateView]:
    """List a person's certificates in use."""
    statement = select(Certificate).where(Certificate.staff_id == staff_id, Certificate.state == "ACTIVE")
    found = [view_of(row) for row in await session.scalars(statement)]
    order = list(KeyKind)
    return sorted(found, key=lambda view: order.index(view.key_kind))
