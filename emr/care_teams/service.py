"""Ask before a record opens; open it in an emergency, with a reason that another person judges."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, convert
from sqlalchemy import select, text
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
SELECT visit.patient_id,
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
WHERE visit.id = :visit
GROUP BY visit.patient_id
""")


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
    row = (await session.execute(_TEAM, {"visit": visit_id})).first()
    if row is None:
        return None
    team = CareTeam(frozenset(row.departments or ()), frozenset(row.people or ()))
    if belongs(actor, team, form_code=form_code):
        return None
    turns = [
        (duty.kind, duty.department_code)
        for duty in await on_duty(session, at=now)
        if duty.staff_id == actor.id
    ]
    if covers(turns, team):
        return None
    broken = select(EmergencyAccess.id).where(
        EmergencyAccess.staff_id == actor.id,
        EmergencyAccess.patient_id == row.patient_id,
        EmergencyAccess.until > now,
    )
    access_id = await session.scalar(broken.limit(1))
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
