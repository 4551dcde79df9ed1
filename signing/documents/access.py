"""Who may open the bytes of a document here; the record's own rules are the record's."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, RefusedLook, record, refused_look
from kernel.clock import Instant
from kernel.services import Services
from kernel.staff.api import Actor, Role
from signing.documents.models import Signature
from signing.documents.rules import SlotOwner
from signing.documents.views import DocumentView, get_document, owes
from signing.tasks.behalf import standing_of
from signing.tasks.rules import mandate_for
from signing.verification.service import Kept

PUBLIC = Actor(
    id=UUID(int=2), name="Người quét mã", title="", roles=frozenset(), department="", session_id=None
)
"""Somebody who holds a paper and its code."""


class DocumentNotYours(RefusedLook):
    slug = "document-not-yours"


def not_yours(document: DocumentView, actor: Actor) -> DocumentNotYours:
    """Refuse a person a document; the refusal is written down."""
    entry = refused_look(
        f"signing.document:{document.id}", document.patient_id, why="Không lập, không chờ ký"
    )
    return DocumentNotYours("Văn bản này không do bạn lập và không chờ bạn ký.", entry=entry, actor=actor)


def may_read(document: DocumentView, actor: Actor) -> bool:
    """Author, signers and those whose turn it is; heads, directors and archivists for all."""
    if actor.has(Role.HEAD, Role.DIRECTOR, Role.ARCHIVIST):
        return True
    people = {document.author_id}
    people |= {person for slot in document.slots for person in (slot.owner_id, slot.asked_id) if person}
    return actor.id in people or any(owes(slot, actor) for slot in document.slots)


async def may_read_or_stands_in(
    session: AsyncSession, document: DocumentView, actor: Actor, *, now: Instant
) -> bool:
    """Tell whether a person may open a document: one of those above, or who may sign it for another now."""
    if may_read(document, actor):
        return True
    standing = await standing_of(session, actor, now=now)
    seal = document.next_slot is not None and document.next_slot.owner_kind is SlotOwner.ORGANISATION
    if standing.leads and seal:
        return True
    return mandate_for(document.next_slot, document.author_id, actor, standing) is not None


async def read_bytes(
    services: Services, document_id: UUID, actor: Actor, *, now: Instant
) -> tuple[DocumentView, bytes]:
    """Return a document and its exact bytes as they stand, and record that they were seen.

    Raises DocumentNotFound, DocumentNotYours.
    """
    async with services.sessions.begin() as session:
        document = await get_document(session, document_id)
        if not await may_read_or_stands_in(session, document, actor, now=now):
            raise not_yours(document, actor)
        await note_view(session, document, actor)
    return document, await services.objects.get(document.head_sha256)


async def note_view(session: AsyncSession, document: DocumentView, actor: Actor) -> None:
    """Record that somebody saw a document."""
    subject = f"signing.document:{document.id}"
    await record(session, Entry(action=Action.VIEW, subject=subject, patient_id=document.patient_id), actor)


async def kept_answers(session: AsyncSession, document_id: UUID) -> Kept:
    """Return the revocation answers stored with a document's signatures."""
    rows = (
        await session.execute(
            select(Signature.ocsps, Signature.crls).where(Signature.document_id == document_id)
        )
    ).all()
    ocsps = dict.fromkeys(answer for row in rows for answer in row.ocsps)
    crls = dict.fromkeys(answer for row in rows for answer in row.crls)
    return Kept(tuple(ocsps), tuple(crls))
