"""Write audit rows, and read them back for the people they concern."""

from enum import StrEnum
from typing import Any, cast
from uuid import UUID

import msgspec
from msgspec import Struct, field
from sqlalchemy import CTE, FromClause, Table, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.models import AuditRow
from kernel.clock import Instant
from kernel.db import Sessions
from kernel.problems import Forbidden
from kernel.staff.rules import Actor
from kernel.statements import Statement


class Action(StrEnum):
    """What is logged (CV 365/TTYQG-GPQLCL, point đ)."""

    VIEW = "view"
    CREATE = "create"
    CHANGE = "change"
    VOID = "void"
    RESTORE = "restore"
    DESTROY = "destroy"
    PRINT = "print"
    EXPORT = "export"
    SIGN = "sign"
    SHARE = "share"
    LOGIN = "login"
    LOGOUT = "logout"
    FAILURE = "failure"


class Entry(Struct, frozen=True):
    """What happened. `detail` names fields and ids, never their medical content."""

    action: Action
    subject: str
    patient_id: UUID | None = None
    reason: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


class RefusedLook(Forbidden):
    """Somebody may not open a person's record; that they tried is written down though the request rolls back."""

    def __init__(
        self, detail: str, *, entry: Entry, actor: Actor, extra: dict[str, Any] | None = None
    ) -> None:
        super().__init__(detail, extra=extra)
        self.entry, self.actor = entry, actor


def refused_look(subject: str, patient_id: UUID | None, *, why: str, **detail: str) -> Entry:
    """Name a look that was refused: at what, at whose, and why."""
    return Entry(Action.FAILURE, subject, patient_id, reason=why, detail={"refused": "look"} | detail)


class AuditView(Struct, frozen=True):
    """A row as an auditor or the patient reads it."""

    id: int
    at: Instant
    action: Action
    subject: str
    patient_id: UUID | None
    actor_id: UUID
    actor_name: str
    actor_roles: list[str]
    department: str
    ip: str
    reason: str | None
    detail: dict[str, Any]


_ROWS = cast(Table, AuditRow.__table__)  # Core: half the time of an insert through the mapper.
_WRITTEN: tuple[str, ...] = (
    "action",
    "subject",
    "patient_id",
    "reason",
    "detail",
    "actor_id",
    "actor_name",
    "actor_roles",
)
_WRITTEN += ("department", "session_id", "ip")
_APPEND = Statement(insert(_ROWS).values({name: bindparam(name) for name in _WRITTEN}))


async def record(session: AsyncSession, entry: Entry, actor: Actor) -> None:
    """Append one row; it commits or vanishes with the transaction it tells of."""
    await _APPEND.rows(session, **_row(entry, actor))


def audited(source: FromClause) -> CTE:
    """Return the part of a writing statement that appends a row for each row of `source`: no trip of its own.

    Its values come from `audit_values`.
    """
    given = [bindparam(f"audit_{name}", type_=_ROWS.c[name].type) for name in _WRITTEN]
    written = insert(_ROWS).from_select(
        list(_WRITTEN), select(*given).select_from(source), include_defaults=False
    )
    return written.cte("audited")


def audit_values(entry: Entry, actor: Actor) -> dict[str, Any]:
    """Return what a statement with an `audited` part is given for it."""
    return {f"audit_{name}": value for name, value in _row(entry, actor).items()}


async def record_all(session: AsyncSession, entries: list[Entry], actor: Actor) -> None:
    """Append one row per entry in one statement."""
    if len(entries) == 1:
        await record(session, entries[0], actor)
    elif entries:
        await session.execute(insert(_ROWS), [_row(entry, actor) for entry in entries])


async def record_apart(sessions: Sessions, entry: Entry, actor: Actor) -> None:
    """Append one row in a transaction of its own: for a refusal, whose own transaction rolls back."""
    async with sessions.begin() as session:
        await record(session, entry, actor)


def _row(entry: Entry, actor: Actor) -> dict[str, Any]:
    return {
        "action": entry.action,
        "subject": entry.subject,
        "patient_id": entry.patient_id,
        "reason": entry.reason,
        "detail": msgspec.to_builtins(entry.detail),
        "actor_id": actor.id,
        "actor_name": actor.name,
        "actor_roles": sorted(actor.roles),
        "department": actor.department,
        "session_id": actor.session_id,
        "ip": actor.ip,
    }


async def entries_of_patient(
    session: AsyncSession, patient_id: UUID, *, before: int | None = None, limit: int = 50
) -> list[AuditView]:
    """Return who did what to this person's record, the latest first; `before` is the last id of the page above."""
    return await _entries(session, AuditRow.patient_id == patient_id, before=before, limit=limit)


async def entries_of_subject(
    session: AsyncSession, subject: str, *, before: int | None = None, limit: int = 50
) -> list[AuditView]:
    """Return what happened to one thing, the latest first."""
    return await _entries(session, AuditRow.subject == subject, before=before, limit=limit)


async def _entries(session: AsyncSession, where: Any, *, before: int | None, limit: int) -> list[AuditView]:
    columns = [getattr(AuditRow, name) for name in AuditView.__struct_fields__]
    statement = select(*columns).where(where).order_by(AuditRow.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(AuditRow.id < before)
    found = await session.execute(statement)
    return [msgspec.convert(dict(row), AuditView) for row in found.mappings()]
