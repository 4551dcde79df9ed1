"""What orders, queues and bills need to know of a visit and its episode."""

from typing import Any, cast
from uuid import UUID

from msgspec import Struct, convert
from sqlalchemy import Table, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.models import Credit, Episode, Visit
from emr.episodes.rules import EpisodeState, Payer, Setting, VisitState, joins_episode
from emr.episodes.views import EpisodeView, VisitHeader
from emr.patients.models import Patient
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, local_day
from kernel.ids import new_id
from kernel.problems import NotFound
from kernel.staff.api import Actor

_EPISODES = cast(Table, Episode.__table__)
_OPEN_VISIT = [VisitState.WAITING.value, VisitState.IN_PROGRESS.value]


class NoSuchVisit(NotFound):
    slug = "no-such-visit"


class NoSuchEpisode(NotFound):
    slug = "no-such-episode"


class OrderContext(Struct, frozen=True):
    """What decides on new orders of a visit."""

    visit_id: UUID
    episode_id: UUID
    patient_id: UUID
    payer: Payer
    setting: Setting
    state: VisitState
    stay_open: bool
    room: str
    credit: bool


async def order_context(session: AsyncSession, visit_id: UUID) -> OrderContext:
    """Read the visit and lock it against ending meanwhile. Raises NoSuchVisit."""
    statement = (
        select(
            Visit.id.label("visit_id"),
            Visit.episode_id,
            Visit.patient_id,
            Visit.payer,
            Visit.setting,
            Visit.state,
            Visit.room_code.label("room"),
            Episode.stay_open,
            exists().where(Credit.episode_id == Visit.episode_id).label("credit"),
        )
        .join(Episode, Episode.id == Visit.episode_id)
        .where(Visit.id == visit_id)
        .with_for_update(of=Visit, key_share=True)
    )
    row = (await session.execute(statement)).first()
    if row is None:
        raise NoSuchVisit("Không có lượt khám này.")
    context = convert(row._asdict(), OrderContext)
    if not context.stay_open:
        return context
    return convert(row._asdict() | {"setting": Setting.INPATIENT.value}, OrderContext)


async def join_episode(session: AsyncSession, patient_id: UUID, *, now: Instant) -> tuple[UUID, str]:
    """Return the open episode the person's new visit belongs to, or a new one: its id and code.

    The caller holds the patient's row, so two visits opened at once share one episode.
    """
    statement = (
        select(Episode)
        .where(Episode.patient_id == patient_id, Episode.state == EpisodeState.OPEN.value)
        .order_by(Episode.opened_at.desc())
    )
    today = local_day(now)
    for episode in await session.scalars(statement):
        opened_on = local_day(episode.opened_at)
        if joins_episode(opened_on=opened_on, today=today, stay_open=episode.stay_open):
            return episode.id, episode.code
    values = {
        "id": new_id(),
        "code": func.emr_next_code("DK", today.year, "emr_episode_number"),
        "patient_id": patient_id,
        "state": EpisodeState.OPEN.value,
        "stay_open": False,
        "opened_at": now,
    }
    made = insert(_EPISODES).values(values).returning(_EPISODES.c.id, _EPISODES.c.code)
    row = (await session.execute(made)).one()
    return row.id, row.code


async def close_if_over(session: AsyncSession, episode_id: UUID, *, now: Instant) -> bool:
    """Close the episode when no visit and no stay of it is open; tells whether it is closed now."""
    locked = select(Episode.stay_open).where(Episode.id == episode_id).with_for_update()
    stay_open = await session.scalar(locked)
    busy = await session.scalar(
        select(exists().where(Visit.episode_id == episode_id, Visit.state.in_(_OPEN_VISIT)))
    )
    if stay_open or busy:
        return False
    await session.execute(
        update(_EPISODES)
        .where(_EPISODES.c.id == episode_id, _EPISODES.c.state == EpisodeState.OPEN.value)
        .values(state=EpisodeState.CLOSED.value, closed_at=now)
    )
    return True


async def set_stay_open(session: AsyncSession, episode_id: UUID, *, stay_open: bool) -> None:
    await session.execute(update(_EPISODES).where(_EPISODES.c.id == episode_id).values(stay_open=stay_open))


async def get_episode(session: AsyncSession, episode_id: UUID) -> EpisodeView:
    """Raises NoSuchEpisode."""
    columns = [getattr(Episode, name) for name in EpisodeView.__struct_fields__]
    row = (await session.execute(select(*columns).where(Episode.id == episode_id))).first()
    if row is None:
        raise NoSuchEpisode("Không có đợt khám chữa bệnh này.")
    return convert(row._asdict(), EpisodeView)


def header_columns() -> list[Any]:
    return [
        Visit.id.label("visit_id"),
        Visit.number.label("visit_number"),
        Visit.state.label("visit_state"),
        Visit.episode_id,
        Episode.code.label("episode_code"),
        Visit.patient_id,
        Patient.code.label("patient_code"),
        Patient.name,
        Patient.birth_date,
        Patient.birth_precision,
        Patient.sex,
        Patient.allergies,
        Visit.payer,
        Visit.insurance,
        Visit.room_code.label("room"),
        Visit.department_code.label("department"),
        Visit.opened_at,
        Patient.phone,
        Patient.citizen_id,
        Patient.address,
        Visit.guardian,
    ]


async def visit_header(session: AsyncSession, visit_id: UUID) -> VisitHeader:
    """Return what the patient banner shows. Raises NoSuchVisit."""
    statement = (
        select(*header_columns())
        .join(Episode, Episode.id == Visit.episode_id)
        .join(Patient, Patient.id == Visit.patient_id)
        .where(Visit.id == visit_id)
    )
    row = (await session.execute(statement)).first()
    if row is None:
        raise NoSuchVisit("Không có lượt khám này.")
    return convert(row._asdict(), VisitHeader)


async def look_at_visit(
    session: AsyncSession, visit_id: UUID, *, actor: Actor, reason: str | None = None, **detail: str
) -> VisitHeader:
    """Return the banner of a visit that a person of staff opens, and audit it. Raises NoSuchVisit."""
    header = await visit_header(session, visit_id)
    entry = Entry(Action.VIEW, f"emr.visit:{visit_id}", header.patient_id, reason, detail)
    await record(session, entry, actor)
    return header
