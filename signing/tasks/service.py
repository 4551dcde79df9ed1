"""Sign one or many documents with one confirmation: check and lease, sign outside, compare and set.

Transaction 1 locks the documents whose turn it is and leases them; key, timestamp and object store work outside; transaction 2
sets the new head only if the lease and the old head still stand. A stop in the middle leaves each document signed or not.
"""

from datetime import timedelta
from uuid import UUID

import msgspec
from cryptography import x509
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record_apart
from kernel.clock import Instant
from kernel.giving_way import Turns
from kernel.ids import new_id
from kernel.problems import Problem, Refused
from kernel.services import Services
from kernel.staff.api import SYSTEM, Actor
from signing.certificates.models import Certificate
from signing.certificates.service import (
    NoCertificate,
    open_key,
    open_with_pin,
    owner_of,
)
from signing.certificates.unlocked import keep_open, open_unlocked
from signing.context import Context, context_of
from signing.documents.models import Document
from signing.documents.rules import DocumentState, SlotOwner
from signing.documents.views import DocumentView, SlotView, get_documents
from signing.gate import CertificateRevoked, StatusUnreachable, check_certificate
from signing.key_kinds import AT_ONCE, KIND_WORDS, KeyKind
from signing.keys import KeyLocked, Signer, SoftwareSigner
from signing.layout import Layout
from signing.pkcs11 import Pkcs11Signer
from signing.policy.service import SignAnotherWay, signer_for, signers_for
from signing.status import Answer, Standing
from signing.tasks.batch import Batch, Leased, Path, SignResult, SignState, evidence_of, look_for, worst
from signing.tasks.behalf import standing_of
from signing.tasks.engine import Look, Signed, sign_file
from signing.tasks.rules import OWN, Mandate, mandate_for
from signing.tasks.rules import Standing as PersonStanding
from signing.timestamps import TimestampClient


class BatchTooLarge(Refused):
    slug = "batch-too-large"


async def sign_documents(
    services: Services,
    actor: Actor,
    document_ids: list[UUID],
    pin: str | None,
    now: Instant,
    *,
    token: str | None = None,
    keep: bool = False,
) -> list[SignResult]:
    """Sign every listed document that waits for this person; one result each, in the given order.

    The key is opened by `pin`, or was opened in the session of `token`; `keep`: a software key stays open there.
    Raises WrongPin (nothing is signed then), PinLocked, KeyLocked, NoCertificate, SignAnotherWay, the refusals of
    `check_certificate`, CertificateRevoked, StatusUnreachable.
    Documents whose type wants another certificate than the first one's are skipped and told.
    """
    settings = context_of(services).settings
    if len(document_ids) > settings.batch_maximum:
        raise BatchTooLarge(f"Mỗi lần ký tối đa {settings.batch_maximum} văn bản.")
    with services.giving_way.large():
        return await _sign_documents(services, actor, document_ids, pin, now, token=token, keep=keep)


async def _sign_documents(
    services: Services,
    actor: Actor,
    document_ids: list[UUID],
    pin: str | None,
    now: Instant,
    *,
    token: str | None,
    keep: bool,
) -> list[SignResult]:
    try:
        chosen, others = await choose_certificate(services, actor, document_ids, AT_ONCE)
        if pin:
            row, signer = await open_with_pin(services, chosen, pin, actor=actor, now=now)
            if keep and token and isinstance(signer, SoftwareSigner):
                await keep_open(services, row, signer, token, actor=actor, now=now)
        elif token:
            row, signer = await open_unlocked(services, token, actor=actor, now=now, certificate=chosen)
        else:
            raise KeyLocked("Hãy nhập mã PIN để ký.", field="pin")
        mine = [key for key in document_ids if key not in others]
        try:
            results = await sign_with(services, actor, mine, row, signer, now=now)
        finally:
            await signer.close()
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


async def choose_certificate(
    services: Services, actor: Actor, document_ids: list[UUID], ways: frozenset[KeyKind], *, kind: str = ""
) -> tuple[Certificate, dict[UUID, SignResult]]:
    """Choose the certificate of one confirmation by policy, and set aside what must be signed with another one.

    `kind`: the type of document that is meant while there is none yet.
    Raises NoCertificate, and SignAnotherWay when its key is not reached by one of `ways`.
    """
    async with services.sessions() as session:
        rows = (
            await session.execute(
                select(Document.id, Document.kind, Document.title).where(Document.id.in_(document_ids))
            )
        ).all()
        found = {row.id: row for row in rows}
        kinds = [found[key].kind for key in document_ids if key in found] or [kind]
        certificates = await signers_for(session, actor.id, kinds)
    chosen = certificates[kinds[0]]
    if isinstance(chosen, NoCertificate):
        raise chosen
    way = KeyKind(chosen.key_kind)
    if way not in ways:
        raise SignAnotherWay(
            f"Văn bản này ký bằng {KIND_WORDS[way]}: hãy gửi yêu cầu ký và xác nhận ở đó.",
            extra={
                "method": way.value,
                "url": "/sign/confirm?" + "&".join(f"d={key}" for key in document_ids),
            },
        )
    others = {}
    for key, row in found.items():
        other = certificates[row.kind]
        if isinstance(other, NoCertificate):
            others[key] = SignResult(key, SignState.SKIPPED, row.title, other.detail)
        elif other.id != chosen.id:
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
    evidence = evidence_of(actor, row, signer.scheme, signer.method, path, answers, now=now)
    at_hand = _AtHand(services, signer, title=actor.title if row.staff_id else "", now=now)
    results |= await Batch(services, evidence, lease, at_hand, now=now).run(leased)
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


class _AtHand:
    """Signs file after file with a key that is open."""

    def __init__(self, services: Services, signer: Signer, *, title: str, now: Instant) -> None:
        context = context_of(services)
        self._signer, self._now, self._trust = signer, now, context.trust
        self._look = Look(context.face(), title=title)
        self._stamps: TimestampClient | None = context.stamps(services.http)
        self._turns = Turns()
        self._token_room = context.settings.token_room_bytes

    async def __call__(self, item: Leased, pdf: bytes) -> Signed:
        return await sign_file(
            pdf,
            item.head,
            item.layout,
            item.slot.field,
            self._signer,
            trust=self._trust,
            stamps=self._stamps,
            token_room=self._token_room,
            look=look_for(self._look, item),
            now=self._now,
            turns=self._turns,
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


_seals: dict[str, SoftwareSigner | Pkcs11Signer] = {}


async def open_seal(context: Context, row: Certificate) -> SoftwareSigner | Pkcs11Signer:
    """Open the organisation's key once per process; on a token or HSM the PIN is the setting's."""
    found = _seals.get(row.fingerprint)
    if found is None:
        found = _seals[row.fingerprint] = await open_key(context, row, context.settings.organisation_pin)
    return found
