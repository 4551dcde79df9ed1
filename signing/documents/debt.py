"""Signature debt (nợ chữ ký): who owes how many signatures, in which department, and how old they are."""

from uuid import UUID

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.staff.api import ROLE_NAMES, Role, list_staff
from signing.documents.ages import BUCKETS
from signing.documents.models import Document, Slot
from signing.documents.rules import DocumentState, SlotOwner, SlotState


class Debt(Struct, frozen=True):
    """One debtor: a person, a role of a department, or the organisation's seal. `ages`: documents by `BUCKETS`."""

    who: str
    department: str
    documents: int
    oldest_since: Instant
    ages: tuple[int, ...]
    staff_id: UUID | None = None


class DepartmentDebt(Struct, frozen=True):
    department: str
    debtors: int
    documents: int
    oldest_since: Instant
    ages: tuple[int, ...]


async def signature_debt(session: AsyncSession, *, now: Instant, department: str | None = None) -> list[Debt]:
    """Return what is owed now, the oldest debt first; of one department if it is named."""
    ages = [func.count().filter(Slot.open_since > now - end) for _, end in BUCKETS[:-1]]
    owed = await session.execute(
        select(
            Slot.owner_kind,
            Slot.owner_id,
            Slot.owner_role,
            Slot.owner_department,
            func.count().label("documents"),
            func.min(Slot.open_since).label("since"),
            *ages,
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
            who, place = f"{person.title} {person.name}".strip(), person.department
        elif row.owner_kind == SlotOwner.ORGANISATION:
            who, place = "Dấu của cơ sở", ""
        elif row.owner_kind == SlotOwner.PERSON:
            who, place = "Tài khoản đã ngừng", ""
        elif row.owner_kind == SlotOwner.PATIENT:
            who, place = "Người bệnh hoặc người đại diện", ""
        else:
            who, place = ROLE_NAMES[Role(row.owner_role)], row.owner_department or ""
        younger = [*row[6:], row.documents]  # Counts younger than each end; what is between two is an age.
        counts = tuple(count - before for before, count in zip([0, *younger], younger, strict=False))
        debts.append(Debt(who, place, row.documents, row.since, counts, row.owner_id))
    return [debt for debt in debts if department is None or debt.department == department]


def by_department(debts: list[Debt]) -> list[DepartmentDebt]:
    """Add debts up by department, the oldest first."""
    places: dict[str, list[Debt]] = {}
    for debt in debts:
        places.setdefault(debt.department, []).append(debt)
    sums = [
        DepartmentDebt(
            department=place,
            debtors=len(owed),
            documents=sum(debt.documents for debt in owed),
            oldest_since=min(debt.oldest_since for debt in owed),
            ages=tuple(map(sum, zip(*(debt.ages for debt in owed), strict=True))),
        )
        for place, owed in places.items()
    ]
    return sorted(sums, key=lambda one: one.oldest_since)
