"""What an author sent for signing: where it stands, what came back, what may be recalled."""

from datetime import timedelta

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.staff.api import Actor
from signing.documents.models import Document
from signing.documents.rules import DocumentState
from signing.documents.views import DocumentView, get_documents

RECENT = timedelta(days=30)


async def sent_by(
    session: AsyncSession, actor: Actor, *, now: Instant, limit: int = 200
) -> list[DocumentView]:
    """Return an author's documents that wait or were refused lately, what came back first."""
    ids = await session.scalars(
        select(Document.id)
        .where(
            Document.author_id == actor.id,
            or_(
                Document.state == DocumentState.PENDING,
                and_(Document.state == DocumentState.REFUSED, Document.created_at > now - RECENT),
            ),
        )
        .order_by(Document.created_at.desc())
        .limit(limit)
    )
    found = await get_documents(session, list(ids))
    return sorted(found, key=lambda view: (view.state is not DocumentState.REFUSED, view.created_at))


def may_recall(document: DocumentView) -> bool:
    """Tell whether the author may still take it back: nobody else has signed."""
    others = [slot for slot in document.slots if slot.signed_at and slot.owner_id != document.author_id]
    return document.state is DocumentState.PENDING and not others
