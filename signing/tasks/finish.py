"""Transaction 2 of a signature: head, slot, evidence, audit and news change together or not at all."""

from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.ids import new_id
from kernel.live import touch
from kernel.outbox.api import enqueue, publish
from kernel.staff.api import SYSTEM, Actor
from signing.documents.models import Document, Signature, Slot
from signing.documents.rules import DocumentState, SlotState
from signing.documents.service import INBOX_TOPIC, announce
from signing.documents.views import SlotView
from signing.events import DocumentSigned
from signing.schemes import Scheme
from signing.status import Standing
from signing.tasks.engine import Signed
from signing.verification.report import Level

JUDGE = "signing.judge"


class JudgeFile(Struct, frozen=True):
    """Payload of the job that lets pyHanko judge a file we signed."""

    document_id: UUID
    sha256: str


class Evidence(Struct, frozen=True, kw_only=True):
    """What is stored with each signature of one confirmation (emr-law: certificate, scheme, status at both tiers)."""

    actor: Actor
    certificate_id: UUID
    signer_name: str
    scheme: Scheme
    method: str
    standing: Standing
    ocsps: list[bytes]
    crls: list[bytes]


async def finish(
    session: AsyncSession,
    *,
    document_id: UUID,
    slot: SlotView,
    head: str,
    lease: UUID,
    signed: Signed,
    evidence: Evidence,
    now: Instant,
) -> bool:
    """Set the new head if lease and old head still stand; False when somebody else was first."""
    following = await _next_slot(session, document_id, slot.position)
    complete = following is None
    moved = await session.execute(
        update(Document)
        .where(
            Document.id == document_id,
            Document.head_sha256 == head,
            Document.lease == lease,
            Document.state == DocumentState.PENDING,
        )
        .values(
            head_sha256=signed.sha256,
            layout=msgspec.to_builtins(signed.layout),
            lease=None,
            lease_until=None,
            state=DocumentState.ISSUED if complete else DocumentState.PENDING,
            completed_at=now if complete else None,
        )
        .returning(Document.kind, Document.subject, Document.patient_id, Document.supersedes)
    )
    document = moved.first()
    if document is None:
        return False
    await session.execute(
        update(Slot).where(Slot.id == slot.id).values(state=SlotState.SIGNED, signed_at=now)
    )
    await session.execute(insert(Signature), [_row(document_id, slot, head, signed, evidence, now)])
    if following is not None:
        await session.execute(update(Slot).where(Slot.id == following[0]).values(open_since=now))
        await announce(session, document_id, following[1], following[2])
    elif document.supersedes is not None:
        await session.execute(
            update(Document)
            .where(Document.id == document.supersedes, Document.state == DocumentState.ISSUED)
            .values(state=DocumentState.SUPERSEDED)
        )
    await _tell(session, document_id, slot, head, signed, evidence, document.patient_id)
    person = None if evidence.actor.id == SYSTEM.id else evidence.actor.id
    await publish(
        session,
        DocumentSigned(
            document_id=document_id,
            kind=document.kind,
            subject=document.subject,
            slot=slot.field,
            signer_id=person,
            complete=complete,
            sha256=signed.sha256,
            at=now,
        ),
    )
    return True


async def _next_slot(
    session: AsyncSession, document_id: UUID, position: int
) -> tuple[UUID, str, UUID | None] | None:
    found = await session.execute(
        select(Slot.id, Slot.owner_kind, Slot.owner_id)
        .where(Slot.document_id == document_id, Slot.position > position)
        .order_by(Slot.position)
        .limit(1)
    )
    row = found.first()
    return (row.id, row.owner_kind, row.owner_id) if row else None


def _row(
    document_id: UUID, slot: SlotView, head: str, signed: Signed, evidence: Evidence, now: Instant
) -> dict[str, object]:
    actor = evidence.actor
    organisation = actor.id == SYSTEM.id
    return {
        "id": new_id(),
        "document_id": document_id,
        "slot_id": slot.id,
        "field": slot.field,
        "signer_kind": "ORGANISATION" if organisation else "STAFF",
        "signer_id": None if organisation else actor.id,
        "signer_name": evidence.signer_name,
        "signer_title": "" if organisation else actor.title,
        "certificate_id": evidence.certificate_id,
        "method": evidence.method,
        "scheme": evidence.scheme,
        "level": Level.B_T if signed.stamp else Level.B_B,
        "previous_sha256": head,
        "sha256": signed.sha256,
        "standing": evidence.standing,
        "ocsps": evidence.ocsps,
        "crls": evidence.crls,
        "token": signed.stamp.token if signed.stamp else None,
        "stamped_at": signed.stamp.at if signed.stamp else None,
        "stamped_by": signed.stamp.authority if signed.stamp else "",
        "signed_at": now,
        "session_id": actor.session_id,
        "ip": actor.ip,
    }


async def _tell(
    session: AsyncSession,
    document_id: UUID,
    slot: SlotView,
    head: str,
    signed: Signed,
    evidence: Evidence,
    patient_id: UUID | None,
) -> None:
    entry = Entry(
        action=Action.SIGN,
        subject=f"signing.document:{document_id}",
        patient_id=patient_id,
        detail={"slot": slot.field, "before": head, "after": signed.sha256, "scheme": evidence.scheme},
    )
    await record(session, entry, evidence.actor)
    await enqueue(session, JUDGE, JudgeFile(document_id, signed.sha256), key=signed.sha256)
    if slot.owner_id:
        touch(session, f"{INBOX_TOPIC}:{slot.owner_id}", {"document": str(document_id)})
