"""Ask before a record opens; open it in an emergency, with a reason that another person judges."""

from collections.abc import Collection
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct, convert
from sqlalchemy import ARRAY, Row, Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from emr.care_teams.models import EmergencyAccess
from emr.care_teams.rules import MAY_BREAK, CareTeam, belongs, covers
from emr.once import IdReused
from emr.patients.models import Patient
from emr.patients.service import NoSuchPatient
from emr.places.service import on_duty
from emr.settings import EmrSettings
from kernel.audit.api import Action, Entry, RefusedLook, record, refused_look
from kernel.clock import Instant
from kernel.problems import Conflict, Forbidden, NotFound
from kernel.staff.api import SYSTEM, Actor, Role

_DEFAULTS = EmrSettings()
_PAGE = 100
_TEAM = text("""
SELECT visit.id, visit.patient_id,
    array_agg(DISTINCT part.department) FILTER (WHERE part.department IS NOT NULL) AS departments,
    array_agg(DISTINCT part.person) FILTER (WHERE part.person IS NOT NULL) AS people
FROM emr_visit visit
CROSS JOIN LATERAL (
    SELECT visit.department_code AS department, visit.doctor_id AS person
    UNION SELECT department_code, admitted_by FROM emr_stay WHERE episode_id = visit.episode_id
    UNION SELECT department_code, doctor_id FROM emr_visit
        WHERE patient_id = visit.patient_id AND state IN ('WAITING', 'IN_PROGRESS')
    UNION SELECT department_code, admitted_by FROM emr_stay
        WHERE patient_id = visit.patient_id AND state = 'OPEN'
    UNION SELECT room.department_code, ordered.ordered_by FROM emr_order ordered
        LEFT JOIN emr_room room ON room.code = ordered.room_code
        WHERE ordered.visit_id = visit.id AND ordered.state <> 'VOIDED'
    UNION SELECT NULL, opened_by FROM emr_sheet WHERE visit_id = visit.id
    UNION SELECT NULL, called_by FROM emr_ticket WHERE visit_id = visit.id
) part
WHERE visit.id = ANY(:visits)
GROUP BY visit.id, visit.patient_id
""").bindparams(bindparam("visits", type_=ARRAY(Uuid)))


class OpenRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """Open a person's record in an emergency (mở khẩn). `id` is kept across retries."""

    id: UUID
    patient_id: UUID
    reason: Annotated[str, Meta(min_length=10, max_length=500)]


class Judge(Struct, frozen=True, forbid_unknown_fields=True):
    """What a colleague found of an emergency access."""

    justified: bool
    note: Annotated[str, Meta(max_length=500)] = ""


class EmergencyView(Struct, frozen=True):
    id: UUID
    staff_id: UUID
    staff_name: str
    department_code: str
    patient_id: UUID
    patient_code: str
    patient_name: str
    reason: str
    opened_at: Instant
    until: Instant
    reviewed_at: Instant | None
    reviewed_name: str
    justified: bool | None
    review_note: str


class NotYourPatient(RefusedLook):
    """Neither department nor care team; `extra` says where the record is opened in an emergency."""

    slug = "not-your-patient"


class MayNotBreakGlass(Forbidden):
    slug = "may-not-open-in-emergency"


class CareOfVisits(Struct, frozen=True):
    """Which visits of a person open, and by which emergency access if the others open by one."""

    open: frozenset[UUID]
    emergency: UUID | None


class NoSuchAccess(NotFound):
    slug = "no-such-emergency-access"


class AccessJudged(Conflict):
    slug = "emergency-access-judged"


class NotYourOwnAccess(Forbidden):
    slug = "second-person-needed"


async def require_care(
    session: AsyncSession, actor: Actor, visit_id: UUID, *, now: Instant, form_code: str = ""
) -> UUID | None:
    """Return the emergency access that opens the visit's record, None when the person belongs to it.

    Raises NotYourPatient. A visit that does not exist is left to the caller.
    """
    if actor.id == SYSTEM.id:
        return None
    row = (await session.execute(_TEAM, {"visits": [visit_id]})).first()
    if row is None or belongs(actor, _team_of(row), form_code=form_code):
        return None
    if covers(await _turns(session, actor, now=now), _team_of(row)):
        return None
    access_id = await _broken_glass(session, actor, row.patient_id, now=now)
    if access_id is None:
        raise NotYourPatient(
            "Người bệnh này do khoa khác chăm sóc, bạn không có trong kíp điều trị.",
            entry=refused_look(
                f"emr.visit:{visit_id}", row.patient_id, why="Không thuộc khoa, kíp điều trị", form=form_code
            ),
            actor=actor,
            extra={
                "way": f"/emergency-access/{row.patient_id}",
                "way_words": "Mở khẩn cấp, có ghi lý do",
            }
            if actor.has(*MAY_BREAK)
            else None,
        )
    return access_id


async def care_of_visits(
    session: AsyncSession, actor: Actor, patient_id: UUID, visit_ids: Collection[UUID], *, now: Instant
) -> CareOfVisits:
    """Return which of one person's visits open, as `require_care` would say of each: three questions at most."""
    if not visit_ids:
        return CareOfVisits(frozenset(), None)
    teams = {row.id: _team_of(row) for row in await session.execute(_TEAM, {"visits": list(set(visit_ids))})}
    mine = frozenset(visit for visit, team in teams.items() if belongs(actor, team))
    if len(mine) == len(teams):
        return CareOfVisits(mine, None)
    turns = await _turns(session, actor, now=now)
    mine |= {visit for visit, team in teams.items() if covers(turns, team)}
    access_id = None
    if len(mine) < len(teams):
        access_id = await _broken_glass(session, actor, patient_id, now=now)
    return CareOfVisits(mine if access_id is None else frozenset(teams), access_id)


def _team_of(row: Row[Any]) -> CareTeam:
    return CareTeam(frozenset(row.departments or ()), frozenset(row.people or ()))


async def _turns(session: AsyncSession, actor: Actor, *, now: Instant) -> list[tuple[str, str]]:
    """Return what the person covers now, (kind, department)."""
    duties = await on_duty(session, at=now)
    return [(duty.kind, duty.department_code) for duty in duties if duty.staff_id == actor.id]


async def _broken_glass(
    session: AsyncSession, actor: Actor, patient_id: UUID, *, now: Instant
) -> UUID | None:
    broken = select(EmergencyAccess.id).where(
        EmergencyAccess.staff_id == actor.id,
        EmergencyAccess.patient_id == patient_id,
        EmergencyAccess.until > now,
    )
    return await session.scalar(broken.limit(1))


async def open_in_emergency(
    session: AsyncSession,
    command: OpenRecord,
    *,
    actor: Actor,
    now: Instant,
    settings: EmrSettings = _DEFAULTS,
) -> EmergencyView:
    """Open a person's record for a while; the same command again returns the first result.

    Raises MayNotBreakGlass, NoSuchPatient, IdReused.
    """
    if not actor.has(*MAY_BREAK):
        raise MayNotBreakGlass("Chỉ người trực tiếp khám chữa bệnh được mở khẩn hồ sơ.")
    known = await session.get(EmergencyAccess, command.id)
    if known is not None:
        if (known.staff_id, known.patient_id) != (actor.id, command.patient_id):
            raise IdReused("Mã này đã dùng cho một lần mở khác. Tải lại trang rồi làm lại.")
        return await _view(session, known)
    if await session.get(Patient, command.patient_id) is None:
        raise NoSuchPatient("Không có hồ sơ người bệnh này.")
    access = EmergencyAccess(
        id=command.id,
        staff_id=actor.id,
        staff_name=actor.name,
        department_code=actor.department,
        patient_id=command.patient_id,
        reason=command.reason.strip(),
        opened_at=now,
        until=now + timedelta(minutes=settings.emergency_access_minutes),
        reviewed_name="",
        review_note="",
    )
    session.add(access)
    await session.flush()
    detail = {"emergency": str(access.id), "until": access.until.isoformat()}
    subject = f"emr.emergency_access:{access.id}"
    entry = Entry(Action.CREATE, subject, command.patient_id, reason=access.reason, detail=detail)
    await record(session, entry, actor)
    return await _view(session, access)


async def accesses_to_judge(session: AsyncSession) -> list[EmergencyView]:
    """Return what nobody has judged yet, the oldest first, then the last ones judged."""
    query = (
        select(EmergencyAccess)
        .order_by(
            EmergencyAccess.reviewed_at.is_not(None),
            EmergencyAccess.reviewed_at.desc(),
            EmergencyAccess.opened_at,
        )
        .limit(_PAGE)
    )
    return [await _view(session, row) for row in await session.scalars(query)]


async def judge_access(
    session: AsyncSession, access_id: UUID, command: Judge, *, actor: Actor, now: Instant
) -> EmergencyView:
    """Say whether an emergency access was justified. Raises NoSuchAccess, AccessJudged, NotYourOwnAccess."""
    access = await session.get(EmergencyAccess, access_id, with_for_update=True, populate_existing=True)
    if access is None:
        raise NoSuchAccess("Không có lần mở khẩn này.")
    if access.staff_id == actor.id:
        raise NotYourOwnAccess("Không tự xét lần mở khẩn của mình. Hãy nhờ người khác xét.")
    if access.reviewed_at is not None:
        raise AccessJudged("Lần mở khẩn này đã được xét.")
    access.reviewed_at, access.reviewed_by, access.reviewed_name = now, actor.id, actor.name
    access.justified, access.review_note = command.justified, command.note.strip()
    await session.flush()
    detail = {"justified": command.justified}
    subject = f"emr.emergency_access:{access.id}"
    entry = Entry(Action.CHANGE, subject, access.patient_id, command.note.strip() or None, detail)
    await record(session, entry, actor)
    return await _view(session, access)


async def _view(session: AsyncSession, access: EmergencyAccess) -> EmergencyView:
    patient = await session.get_one(Patient, access.patient_id)
    shown = {name: getattr(access, name) for name in EmergencyView.__struct_fields__ if hasattr(access, name)}
    return convert(shown | {"patient_code": patient.code, "patient_name": patient.name}, EmergencyView)


REVIEWERS = (Role.HEAD, Role.DIRECTOR)
