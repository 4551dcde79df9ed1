"""Signature debt (nợ chữ ký): who owes how many signatures, and since when."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.staff.api import ROLE_NAMES, Role, list_staff
from signing.documents.models import Document, Slot
from signing.documents.rules import DocumentState, SlotOwner, SlotState


class Debt(Struct, frozen=True):
    """One debtor: a person, a role of a department, or the organisation's seal."""

    who: str
    department: str
    documents: int
    oldest_since: Instant
    staff_id: UUID | None = None


async def signature_debt(session: AsyncSession) -> list[Debt]:
    """Return what is owed now, the oldest debt first."""
    owed = await session.execute(
        select(
            Slot.owner_kind,
            Slot.owner_id,
            Slot.owner_role,
            Slot.owner_department,
            func.count().label("documents"),
            func.min(Slot.open_since).label("since"),
        )
        .join(Document, Document.id == Slot.document_id)
        .where(
            Slot.state == SlotState.WAITING,
            Slot.open_since.is_not(None),
            Document.state == DocumentState.PENDING,
        )
        .group_by(Slot.owner_kind, Slot.owner_id, Slot.owner_role, Slot.owner_department)
        .order_by(func.min(Slot.open_since))
    )
    staff = {person.id: person for person in await list_staff(session)}
    debts = []
    for row in owed:
        person = staff.get(row.owner_id)
        if person is not None:
            who, department = f"{person.title} {person.name}".strip(), person.department
        elif row.owner_kind == SlotOwner.ORGANISATION:
            who, department = "Dấu của cơ sở", ""
        elif row.owner_kind == SlotOwner.PATIENT:
            who, department = "Người bệnh hoặc người đại diện", ""
        else:
            who, department = ROLE_NAMES[Role(row.owner_role)], row.owner_department or ""
        debts.append(Debt(who, department, row.documents, row.since, row.owner_id))
    return debts
