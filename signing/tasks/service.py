"""Sign one or many documents with one confirmation: check and lease, sign outside, compare and set.

Transaction 1 locks the documents whose turn it is and leases them; key, timestamp and object store work outside; transaction 2
sets the new head only if the lease and the old head still stand. A stop in the middle leaves each document signed or not.
"""

import asyncio
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

import msgspec
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record_apart
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.objects import ObjectDamaged, ObjectMissing
from kernel.problems import Problem, Refused
from kernel.services import Services
from kernel.staff.api import SYSTEM, Actor
from signing.append import FieldTaken
from signing.certificates.models import Certificate
from signing.certificates.service import (
    open_file,
    open_unlocked,
    open_with_pin,
    owner_of,
)
from signing.context import Context, context_of
from signing.documents.models import Document
from signing.documents.rules import DocumentState, SlotOwner
from signing.documents.views import DocumentView, SlotView, get_documents
from signing.gate import CertificateRevoked, StatusUnreachable, check_certificate
from signing.key_kinds import AT_ONCE, KIND_WORDS, KeyKind
from signing.keys import KeyLocked, Signer, SoftwareSigner
from signing.layout import Layout
from signing.policy.service import SignAnotherWay, signer_for, signers_for
from signing.status import Answer, Standing
from signing.tasks.behalf import standing_of
from signing.tasks.engine import Look, Signed, sign_file
from signing.tasks.finish import Done, Evidence, checks_of, finish
from signing.tasks.rules import OWN, Mandate, mandate_for
from signing.tasks.rules import Standing as PersonStanding
from signing.timestamps import TimestampClient

log = structlog.get_logger(__name__)
Path = tuple[x509.Certificate, ...]
_TOGETHER = 20  # Documents finished in one transaction 2.


class SignState(StrEnum):
    SIGNED = "signed"
    SKIPPED = "skipped"
    FAILED = "failed"


class SignResult(Struct, frozen=True):
    """What became of one document. `warning`: signed, but something is to be known."""

    document_id: UUID
    state: SignState
    title: str = ""
    reason: str = ""
    warning: str = ""


class BatchTooLarge(Refused):
    slug = "batch-too-large"


class Leased(Struct, frozen=True):
    """A document whose turn was checked, held for this signature."""

    document_id: UUID
    title: str
    head: str
    layout: Layout | None
    slot: SlotView
    following: SlotView | None
    mandate: Mandate


async def sign_documents(
    services: Services,
    actor: Actor,
    document_ids: list[UUID],
    pin: str | None,
    now: Instant,
    *,
    token: str | None = None,
) -> list[SignResult]:
    """Sign every listed document that waits for this person; one result each, in the given order.

    The key is opened by `pin`, or was opened in the session of `token`. Raises WrongPin (nothing is signed then),
    PinLocked, KeyLocked, NoCertificate, SignAnotherWay, the refusals of `check_certificate`, CertificateRevoked,
    StatusUnreachable. Documents whose type wants another certificate than the first one's are skipped and told.
    """
    settings = context_of(services).settings
    if len(document_ids) > settings.batch_maximum:
        raise BatchTooLarge(f"Mỗi lần ký tối đa {settings.batch_maximum} văn bản.")
    try:
        chosen, others = await _choose(services, actor, document_ids)
        if pin:
            row, signer = await open_with_pin(services, chosen, pin, actor=actor, now=now)
        elif token:
            row, signer = await open_unlocked(services, token, actor=actor, now=now, certificate=chosen)
        else:
            raise KeyLocked("Hãy nhập mã PIN để ký.", field="pin")
        mine = [key for key in document_ids if key not in others]
        results = await sign_with(services, actor, mine, row, signer, now=now)
        made = {result.document_id: result for result in results} | others
        return [made[key] for key in dict.fromkeys(document_ids)]
    except Problem as refused:
        entry = Entry(
            action=Action.FAILURE,
            subject="signing.batch",
            detail={"problem": refused.slug, "documents": [str(key) for key in document_ids]},
        )
        await record_apart(services.sessions, entry, actor)
        raise


async def _choose(
    services: Services, actor: Actor, document_ids: list[UUID]
) -> tuple[Certificate, dict[UUID, SignResult]]:
    """Choose the certificate of one confirmation by policy, and set aside what must be signed with another one."""
    async with services.sessions() as session:
        rows = (
            await session.execute(
                select(Document.id, Document.kind, Document.title).where(Document.id.in_(document_ids))
            )
        ).all()
        found = {row.id: row for row in rows}
        kinds = [found[key].kind for key in document_ids if key in found] or [""]
        certificates = await signers_for(session, actor.id, kinds)
    chosen = certificates[kinds[0]]
    way = KeyKind(chosen.key_kind)
    if way not in AT_ONCE:
        raise SignAnotherWay(
            f"Văn bản này ký bằng {KIND_WORDS[way]}: hãy gửi yêu cầu ký và xác nhận ở đó.",
            extra={"method": way.value},
        )
    others = {}
    for key, row in found.items():
        other = certificates[row.kind]
        if other.id != chosen.id:
            reason = f"Loại văn bản này ký bằng {KIND_WORDS[KeyKind(other.key_kind)]}. Hãy ký riêng."
            others[key] = SignResult(key, SignState.SKIPPED, row.title, reason)
    return chosen, others


async def sign_with(
    services: Services,
    actor: Actor,
    document_ids: list[UUID],
    row: Certificate,
    signer: Signer,
    *,
    now: Instant,
) -> list[SignResult]:
    """Sign with a key that is open, a person's or the organisation's."""
    context = context_of(services)
    path, answers = await admit(services, context, row, signer.certificate, now=now)
    lease = new_id()
    until = now + timedelta(seconds=context.settings.lease_seconds)
    asked = list(dict.fromkeys(document_ids))
    leased, results = await lease_documents(services, actor, asked, lease, until=until, now=now)
    batch = _Batch(services, context, actor, row, signer, path, answers, lease, now)
    results |= await batch.run(leased)
    return [results[key] for key in asked]


async def admit(
    services: Services, context: Context, row: Certificate, certificate: x509.Certificate, *, now: Instant
) -> tuple[Path, list[Answer]]:
    """Let the certificate sign now, or say why not (NĐ 23/2025 Đ15): both tiers are asked."""
    async with services.sessions() as session:
        owner = await owner_of(session, row, services.settings.kernel.facility)
    path = check_certificate(certificate, owner, context.trust, now=now)
    answers = await context.status(services.http).ask_path(path, now=now)
    for link, answer in zip(path, answers, strict=False):
        if answer.standing is Standing.REVOKED:
            raise CertificateRevoked(_revoked_text(link, certificate, answer))
    if context.settings.block_when_status_unreachable and worst(answers) is not Standing.GOOD:
        raise StatusUnreachable("Không hỏi được trạng thái chứng thư. Quy định của cơ sở là chưa ký lúc này.")
    return path, answers


def _revoked_text(certificate: x509.Certificate, own: x509.Certificate, answer: Answer) -> str:
    whose = "Chứng thư số của bạn" if certificate == own else "Chứng thư của tổ chức cấp"
    since = f" từ {answer.revoked_at:%d/%m/%Y}" if answer.revoked_at else ""
    return f"{whose} đã bị thu hồi{since}, không thể ký. Hãy liên hệ tổ chức chứng thực."


def worst(answers: list[Answer]) -> Standing:
    order = [Standing.UNREACHABLE, Standing.UNKNOWN]
    standings = {answer.standing for answer in answers}
    return next((standing for standing in order if standing in standings), Standing.GOOD)


async def lease_documents(
    services: Services, actor: Actor, document_ids: list[UUID], lease: UUID, *, until: Instant, now: Instant
) -> tuple[list[Leased], dict[UUID, SignResult]]:
    """Transaction 1: lock what is this person's turn and hold it for a while."""
    results: dict[UUID, SignResult] = {}
    leased: list[Leased] = []
    async with services.sessions.begin() as session:
        rows = await session.scalars(
            select(Document).where(Document.id.in_(document_ids)).order_by(Document.id).with_for_update()
        )
        found = {row.id: row for row in rows}
        views = {view.id: view for view in await get_documents(session, document_ids)}
        standing = await standing_of(session, actor, now=now)
        for key in document_ids:
            document = found.get(key)
            if document is None:
                results[key] = SignResult(key, SignState.SKIPPED, reason="Không tìm thấy văn bản.")
                continue
            view = views[key]
            mandate = _mandate(view, actor, standing)
            reason = _why_not(view.next_slot, document, mandate, now)
            if reason:
                results[key] = SignResult(key, SignState.SKIPPED, document.title, reason)
                continue
            assert view.next_slot is not None
            assert mandate is not None
            layout = msgspec.convert(document.layout, Layout) if document.layout else None
            after = [slot for slot in view.slots if slot.position > view.next_slot.position]
            following = after[0] if after else None
            leased.append(
                Leased(key, document.title, document.head_sha256, layout, view.next_slot, following, mandate)
            )
        held = [item.document_id for item in leased]
        await session.execute(
            update(Document).where(Document.id.in_(held)).values(lease=lease, lease_until=until)
        )
    return leased, results


def _mandate(view: DocumentView, actor: Actor, standing: PersonStanding) -> Mandate | None:
    slot = view.next_slot
    if slot is not None and slot.owner_kind is SlotOwner.ORGANISATION and actor.id == SYSTEM.id:
        return OWN
    return mandate_for(slot, view.author_id, actor, standing)


def _why_not(slot: SlotView | None, document: Document, mandate: Mandate | None, now: Instant) -> str:
    if document.state != DocumentState.PENDING or slot is None:
        return "Văn bản không còn chờ ký."
    if mandate is None:
        return "Chưa tới lượt hoặc không phải ô ký của bạn."
    if document.lease_until is not None and document.lease_until > now:
        return "Văn bản đang được ký ở nơi khác."
    return ""


class _Batch:
    """The documents of one confirmation under way, with one key and one answer about its certificate."""

    def __init__(
        self,
        services: Services,
        context: Context,
        actor: Actor,
        row: Certificate,
        signer: Signer,
        path: Path,
        answers: list[Answer],
        lease: UUID,
        now: Instant,
    ) -> None:
        self._services, self._context, self._actor, self._row = services, context, actor, row
        self._signer, self._lease, self._now = signer, lease, now
        self._evidence = Evidence(
            actor=actor,
            certificate_id=row.id,
            certificate=row.certificate,
            serial=row.serial,
            issuer=row.issuer,
            chain=[link.public_bytes(Encoding.DER) for link in path[1:]],
            checks=checks_of(path, answers, now=now),
            signer_name=row.name,
            scheme=signer.scheme,
            method=signer.method,
            standing=worst(answers),
            ocsps=[answer.ocsp for answer in answers if answer.ocsp],
            crls=[answer.crl for answer in answers if answer.crl],
        )
        title = actor.title if row.staff_id else ""
        self._look = Look(context.face(), title=title)
        self._stamps: TimestampClient | None = context.stamps(services.http)
        self._titles: dict[UUID, str] = {}
        self._gate = asyncio.Semaphore(context.settings.parallel_stamps)

    async def run(self, leased: list[Leased]) -> dict[UUID, SignResult]:
        """Sign all with overlapping requests, finish them some at a time as they come."""
        self._titles = {item.document_id: item.title for item in leased}
        results: dict[UUID, SignResult] = {}
        waiting: list[Done] = []
        for coming in asyncio.as_completed([self._sign(item) for item in leased]):
            outcome = await coming
            if isinstance(outcome, SignResult):
                results[outcome.document_id] = outcome
            else:
                waiting.append(outcome)
            if len(waiting) >= _TOGETHER:
                results |= await self._finish(waiting)
                waiting = []
        results |= await self._finish(waiting)
        await self._release([key for key, result in results.items() if result.state is not SignState.SIGNED])
        return results

    async def _sign(self, item: Leased) -> Done | SignResult:
        async with self._gate:
            try:
                pdf = await self._services.objects.get(item.head)
                signed = await sign_file(
                    pdf,
                    item.head,
                    item.layout,
                    item.slot.field,
                    self._signer,
                    trust=self._context.trust,
                    stamps=self._stamps,
                    token_room=self._context.settings.token_room_bytes,
                    look=replace(self._look, reason=item.mandate.words) if item.mandate.words else self._look,
                    now=self._now,
                )
                stored = await self._services.objects.put(signed.pdf)
                assert stored == signed.sha256
            except Problem as refused:
                return SignResult(item.document_id, SignState.FAILED, item.title, refused.detail)
            except FieldTaken:
                reason = "Tệp không có ô ký này."
                return SignResult(item.document_id, SignState.FAILED, item.title, reason)
            except (ObjectMissing, ObjectDamaged):
                reason = "Không đọc được tệp đã lưu hoặc tệp đã hỏng. Báo ngay cho quản trị hệ thống."
                return SignResult(item.document_id, SignState.FAILED, item.title, reason)
            return Done(item.document_id, item.slot, item.following, item.head, signed, item.mandate)

    async def _finish(self, done: list[Done]) -> dict[UUID, SignResult]:
        """Transaction 2: compare and set; what changed meanwhile is reported, not overwritten."""
        if not done:
            return {}
        done = sorted(
            done, key=lambda item: item.document_id
        )  # One order for all, so that none waits in a ring.
        async with self._services.sessions.begin() as session:
            moved = await finish(session, done, lease=self._lease, evidence=self._evidence, now=self._now)
        return {item.document_id: self._result(item, item.document_id in moved) for item in done}

    def _result(self, item: Done, moved: bool) -> SignResult:
        title = self._titles[item.document_id]
        if not moved:
            reason = "Văn bản vừa thay đổi ở nơi khác nên chữ ký này bị bỏ. Hãy mở lại."
            return SignResult(item.document_id, SignState.FAILED, title, reason)
        return SignResult(item.document_id, SignState.SIGNED, title, warning=self._warning(item.signed))

    def _warning(self, signed: Signed) -> str:
        texts = []
        if self._evidence.standing is not Standing.GOOD:
            texts.append("chưa hỏi được trạng thái thu hồi của chứng thư")
        if signed.stamp is None:
            texts.append("chưa có dấu thời gian (mức B-B)")
        return f"Đã ký, nhưng {' và '.join(texts)}." if texts else ""

    async def _release(self, document_ids: list[UUID]) -> None:
        if not document_ids:
            return
        async with self._services.sessions.begin() as session:
            await session.execute(
                update(Document)
                .where(Document.id.in_(document_ids), Document.lease == self._lease)
                .values(lease=None, lease_until=None)
            )


async def seal_document(services: Services, document_id: UUID, *, now: Instant) -> SignResult:
    """Put the organisation's signature on a document whose turn it is. Raises NoCertificate and key refusals."""
    context = context_of(services)
    async with services.sessions() as session:
        row = await signer_for(session, None, await _kind_of(session, document_id))
    signer = await open_seal(context, row)
    results = await sign_with(services, SYSTEM, [document_id], row, signer, now=now)
    return results[0]


async def _kind_of(session: AsyncSession, document_id: UUID) -> str:
    return await session.scalar(select(Document.kind).where(Document.id == document_id)) or ""


_seals: dict[str, SoftwareSigner] = {}


async def open_seal(context: Context, row: Certificate) -> SoftwareSigner:
    """Open the organisation's key once per process."""
    found = _seals.get(row.fingerprint)
    if found is None:
        found = _seals[row.fingerprint] = await open_file(context, row, context.settings.organisation_pin)
    return found
