"""Documents around a kill: prepared before it, signed whole or not at all after it, by evidence and by bytes."""

from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.objects import FolderStore
from signing.api import (
    DocumentState,
    NewDocument,
    NewSlot,
    SlotState,
    TrustList,
    get_document,
    prepare_document,
    verify_pdf,
)
from signing.documents.models import Signature
from tests.signing.files import a_file


async def prepare(
    sessions: Sessions, objects: FolderStore, count: int, *, author: UUID, kind: str = "PKB"
) -> list[UUID]:
    """Store papers that wait for their author's signature."""
    ids = []
    for number in range(count):
        document = NewDocument(
            id=uuid4(),
            kind=kind,
            title=f"Phiếu {number}",
            subject=f"test:{uuid4()}",
            author_id=author,
            sha256=await objects.put(a_file(["bac_si"], text=f"Phieu {number}")),
            slots=[NewSlot(field="bac_si", label="Bác sĩ", owner_staff_id=author)],
        )
        async with sessions.begin() as session:
            await prepare_document(session, document, now=utc_now())
        ids.append(document.id)
    return ids


async def signed_count(session: AsyncSession, ids: list[UUID]) -> int:
    """How many signatures these documents carry."""
    wanted = Signature.document_id.in_(ids)
    return await session.scalar(select(func.count()).select_from(Signature).where(wanted)) or 0


async def check_each(
    sessions: Sessions, objects: FolderStore, ids: list[UUID], trust: TrustList
) -> list[UUID]:
    """Every document is signed whole or not at all, and its bytes say the same; returns those that still wait."""
    waiting = []
    for key in ids:
        async with sessions() as session:
            view = await get_document(session, key)
            evidence = (await session.scalars(select(Signature).where(Signature.document_id == key))).all()
        pdf = await objects.get(view.head_sha256)
        if evidence:
            assert view.state is DocumentState.ISSUED
            assert [slot.state for slot in view.slots] == [SlotState.SIGNED]
            assert [row.sha256 for row in evidence] == [view.head_sha256]
            report = verify_pdf(pdf, trust, utc_now())
            assert report.valid
            assert len(report.signatures) == 1
        else:
            assert (view.state, view.head_sha256) == (DocumentState.PENDING, view.base_sha256)
            assert b"/ByteRange" not in pdf
            waiting.append(key)
    return waiting
