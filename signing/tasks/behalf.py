"""Mandates of posts: give one, end one early, and find what a person may sign for others now."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, convert
from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.problems import Conflict, Forbidden, NotFound, Refused
from kernel.staff.api import Actor, Role, get_staff
from signing.documents.models import Document, Slot
from signing.documents.rules import DocumentState, SlotState
from signing.documents.views import DocumentView, get_documents
from signing.tasks.duty import leaders_on_duty
from signing.tasks.models import Delegation
from signing.tasks.rules import POSTS, Capacity, Mandate, Post, Standing, mandate_for

LONGEST = timedelta(days=366)


class GiveMandate(Struct, frozen=True, forbid_unknown_fields=True):
    """Let somebody sign for the post one holds. `id` is the client's and makes a repeat harmless."""

    id: UUID
    capacity: Capacity
    taker_id: UUID
    basis: Annotated[str, Meta(min_length=3, max_length=200)]
    starts_at: Instant
    ends_at: Instant


class MandateView(Struct, frozen=True):
    id: UUID
    capacity: Capacity
    giver_id: UUID
    giver_name: str
    role: Role
    department: str | None
    taker_id: UUID
    basis: str
    starts_at: Instant
    ends_at: Instant
    ended_at: Instant | None


class NotAPost(Forbidden):
    """Only who holds a post may let others sign for it."""

    slug = "not-a-post"


class MandateRefused(Refused):
    slug = "mandate-refused"


class MandateIdReused(Conflict):
    slug = "mandate-id-reused"


class MandateOver(Conflict):
    slug = "mandate-over"


class MandateNotFound(NotFound):
    slug = "mandate-not-found"


async def give_mandate(
    session: AsyncSession, command: GiveMandate, *, actor: Actor, now: Instant
) -> MandateView:
    """Give a mandate over the post one holds; the same command again returns the first result.

    Raises NotAPost, MandateRefused, MandateIdReused, NoSuchAccount.
    """
    known = await session.get(Delegation, command.id)
    if known is not None:
        if (known.giver_id, known.taker_id) != (actor.id, command.taker_id):
            raise MandateIdReused("Mã này đã dùng cho một uỷ quyền khác.")
        return _view(known)
    role = next((post for post in reversed(POSTS) if actor.has(post)), None)
    if role is None:
        raise NotAPost("Chỉ giám đốc, trưởng khoa mới giao được ký thay, thừa lệnh.")
    _require_sense(command, role, actor, now)
    await get_staff(session, command.taker_id)
    row = Delegation(
        id=command.id,
        capacity=command.capacity,
        giver_id=actor.id,
        giver_name=f"{actor.title} {actor.name}".strip(),
        role=role,
        department=actor.department if role is Role.HEAD else None,
        taker_id=command.taker_id,
        basis=command.basis.strip(),
        starts_at=command.starts_at,
        ends_at=command.ends_at,
        given_at=now,
    )
    session.add(row)
    await session.flush()
    detail = {"capacity": row.capacity, "taker": str(row.taker_id), "until": row.ends_at.isoformat()}
    await record(session, Entry(Action.CREATE, f"signing.delegation:{row.id}", detail=detail), actor)
    return _view(row)


def _require_sense(command: GiveMandate, role: Role, actor: Actor, now: Instant) -> None:
    if command.capacity not in (Capacity.KT, Capacity.TL):
        raise MandateRefused(
            "Chỉ giao được ký thay hoặc thừa lệnh; trực lãnh đạo theo lịch trực.", field="capacity"
        )
    if command.capacity is Capacity.TL and role is not Role.DIRECTOR:
        raise MandateRefused("Thừa lệnh chỉ do người đứng đầu cơ sở giao.", field="capacity")
    if command.taker_id == actor.id:
        raise MandateRefused("Không thể tự giao cho mình.", field="taker_id")
    if command.ends_at <= command.starts_at or command.ends_at <= now:
        raise MandateRefused("Thời hạn phải kết thúc sau lúc bắt đầu và sau lúc này.", field="ends_at")
    if command.ends_at - command.starts_at > LONGEST:
        raise MandateRefused("Mỗi lần giao tối đa một năm.", field="ends_at")


async def end_mandate(session: AsyncSession, mandate_id: UUID, *, actor: Actor, now: Instant) -> MandateView:
    """End a mandate early; who gave it or a director may. Raises MandateNotFound, NotAPost, MandateOver."""
    row = await session.get(Delegation, mandate_id, with_for_update=True)
    if row is None:
        raise MandateNotFound("Không có uỷ quyền này.")
    if actor.id != row.giver_id and not actor.has(Role.DIRECTOR):
        raise NotAPost("Chỉ người giao hoặc giám đốc kết thúc được uỷ quyền này.")
    if row.ended_at is not None or row.ends_at <= now:
        raise MandateOver("Uỷ quyền này đã hết hạn hoặc đã kết thúc.")
    row.ended_at, row.ended_by = now, actor.id
    await session.flush()
    await record(session, Entry(Action.VOID, f"signing.delegation:{row.id}"), actor)
    return _view(row)


async def mandates_of(session: AsyncSession, actor: Actor, *, now: Instant) -> list[MandateView]:
    """Return mandates that a person gave or got and that are not over; a director's list holds all."""
    where = [Delegation.ended_at.is_(None), Delegation.ends_at > now]
    if not actor.has(Role.DIRECTOR):
        where.append(or_(Delegation.giver_id == actor.id, Delegation.taker_id == actor.id))
    rows = await session.scalars(select(Delegation).where(*where).order_by(Delegation.starts_at))
    return [_view(row) for row in rows]


async def standing_of(session: AsyncSession, actor: Actor, *, now: Instant) -> Standing:
    """Return what a person may do for others at this moment."""
    rows = await session.scalars(
        select(Delegation)
        .where(
            Delegation.taker_id == actor.id,
            Delegation.ended_at.is_(None),
            Delegation.starts_at <= now,
            Delegation.ends_at > now,
        )
        .order_by(Delegation.starts_at)
    )
    posts = tuple(
        Post(row.id, Capacity(row.capacity), row.giver_id, row.giver_name, Role(row.role), row.department)
        for row in rows
    )
    return Standing(posts, actor.id in await leaders_on_duty(session, now))


async def inbox_for_others(
    session: AsyncSession, actor: Actor, *, now: Instant, limit: int = 200
) -> list[tuple[DocumentView, Mandate]]:
    """Return what this person may sign for others now, the oldest first; their own work is in `inbox`."""
    standing = await standing_of(session, actor, now=now)
    if not standing.posts and not standing.leads:
        return []
    owed = [and_(Slot.owner_role == post.role, _place(post)) for post in standing.posts]
    givers = [post.giver_id for post in standing.posts]
    if standing.leads:
        owed.append(Slot.owner_role.in_([role.value for role in POSTS]))
    found = (
        select(Slot.document_id)
        .join(Document, Document.id == Slot.document_id)
        .where(
            Slot.state == SlotState.WAITING,
            Slot.open_since.is_not(None),
            Document.state == DocumentState.PENDING,
            or_(Slot.owner_id.in_(givers), *owed),
        )
        .order_by(Slot.open_since)
        .limit(limit)
    )
    ids = (await session.scalars(found)).all()
    views = {view.id: view for view in await get_documents(session, list(ids))}
    judged = [
        (view, mandate_for(view.next_slot, view.author_id, actor, standing))
        for view in (views[key] for key in ids if key in views)
    ]
    return [(view, mandate) for view, mandate in judged if mandate and mandate.capacity is not Capacity.OWN]


def _place(post: Post) -> ColumnElement[bool]:
    if post.department is None:
        return true()
    return or_(Slot.owner_department.is_(None), Slot.owner_department == post.department)


def _view(row: Delegation) -> MandateView:
    return convert(row, MandateView, from_attributes=True)
