"""The evidence bundle of each document, and the step that sets what was signed: all of it or nothing."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.outbox.api import enqueue
from signing.documents.views import get_documents
from signing.people import bundle as b
from signing.people.models import Sitting, SittingDocument
from signing.people.offers import consent_for
from signing.people.opening import NotForThePatient
from signing.people.rules import Method, State
from signing.people.sittings import move, tell
from signing.people.views import ListedDocument, SittingView

SEAL_SITTING = "signing.people.seal"


class SealSitting(Struct, frozen=True):
    """Payload of the job that seals what a person confirmed."""

    sitting_id: UUID


async def require_waiting(session: AsyncSession, view: SittingView) -> None:
    """Raises NotForThePatient when a listed document is not as it was listed."""
    documents = {
        found.id: found for found in await get_documents(session, [d.document_id for d in view.documents])
    }
    for item in view.documents:
        found = documents[item.document_id]
        slot = found.next_slot
        if found.head_sha256 != item.sha256 or slot is None or slot.id != item.slot_id:
            raise NotForThePatient(f"“{item.title}” đã thay đổi từ khi mở lần ký. Huỷ và mở lần ký mới.")


def compose(
    view: SittingView, item: ListedDocument, method: Method, device: str, *, now: Instant
) -> b.Bundle:
    """Put together what every bundle says; the part of the method is added by who asked for it."""
    assert view.joined_at is not None or not device
    return b.Bundle(
        schema=b.SCHEMA,
        document=b.Text(
            id=item.document_id,
            code=item.code,
            kind=item.kind,
            title=item.title,
            pages=item.pages,
            sha256=item.sha256,
            size=item.size,
        ),
        field=item.field,
        sitting=b.Meeting(
            id=view.id,
            opened_at=view.opened_at,
            documents=tuple(
                b.Listed(sha256=one.sha256, pages=one.pages, shown_at=one.shown_at) for one in view.documents
            ),
        ),
        patient=view.patient_name,
        signer=b.Person(
            kind=view.signer_kind,
            name=view.signer_name,
            number=view.signer_number,
            relation=view.relation,
            standing=view.standing,
            standing_note=view.standing_note,
        ),
        consent=consent_for(view, method),
        method=method,
        signed_at=now,
        staff=b.Staff(
            id=view.opened_by,
            name=view.opened_name,
            title=view.opened_title,
            department=view.opened_department,
        ),
        device=b.Device(id=device, name=view.device, address=view.device_ip, joined_at=view.joined_at)
        if view.joined_at and device
        else None,
    )


async def keep_bundles(
    session: AsyncSession, row: Sitting, method: Method, stored: dict[UUID, str], *, now: Instant
) -> None:
    """Set what was signed; with the last document the sitting is signed and its seal is ordered."""
    row.method = method
    for key, sha256 in stored.items():
        await session.execute(
            update(SittingDocument)
            .where(
                SittingDocument.sitting_id == row.id,
                SittingDocument.document_id == key,
                SittingDocument.bundle_sha256.is_(None),
            )
            .values(bundle_sha256=sha256, signed_at=now)
        )
    open_ = await session.scalar(
        select(SittingDocument.document_id)
        .where(SittingDocument.sitting_id == row.id, SittingDocument.bundle_sha256.is_(None))
        .limit(1)
    )
    if open_ is None:
        move(row, State.SIGNED)
        row.signed_at = now
        await enqueue(session, SEAL_SITTING, SealSitting(row.id))
    await session.flush()
    tell(session, row.id)
