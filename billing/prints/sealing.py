"""Hand a kept paper to signing, which seals it for the organisation."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from billing.prints.receipt import SEAL_FIELD
from kernel.clock import Instant
from kernel.staff.api import SYSTEM
from signing.api import NewDocument, NewSlot, best_sha256, prepare_document


async def hand_over(
    session: AsyncSession,
    document_id: UUID,
    *,
    kind: str,
    title: str,
    subject: str,
    patient_id: UUID,
    patient_name: str,
    sha256: str,
    code: str,
    pages: int,
    now: Instant,
) -> None:
    """Make the document with one slot, the organisation's seal; a job of signing fills it."""
    command = NewDocument(
        id=document_id,
        kind=kind,
        title=title,
        subject=subject,
        author_id=SYSTEM.id,
        patient_id=patient_id,
        patient_name=patient_name,
        sha256=sha256,
        pages=pages,
        code=code,
        slots=[NewSlot(field=SEAL_FIELD, label="Dấu của cơ sở", organisation=True)],
    )
    await prepare_document(session, command, now=now)


async def latest(session: AsyncSession, document_id: UUID) -> str:
    """Return the hash of the newest bytes: sealed, or as rendered while the seal is still to come."""
    return await best_sha256(session, document_id)
