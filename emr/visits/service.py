"""Open, begin, end and cancel exam visits."""

from datetime import date
from typing import Any, cast
from uuid import UUID

from msgspec import convert, to_builtins
from sqlalchemy import ColumnElement, Table, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.models import Episode, Visit
from emr.episodes.rules import STATE_WORDS, Outcome, Payer, Setting, VisitState, may_move
from emr.episodes.service import NoSuchVisit, close_if_over, join_episode
from emr.episodes.views import OpenVisit, VisitView
from emr.events import VisitEnded, VisitOpened
from emr.once import fingerprint, require_same
from emr.orders.models import Order
from emr.orders.rules import UNDONE, OrderState, Priority
from emr.orders.service import lock_order, move_order, place_exam, void_locked
from emr.orders.views import OrderLine
from emr.patients.models import Patient
from emr.patients.rules import needs_guardian
from emr.patients.service import NoSuchPatient
from emr.places.service import get_room
from emr.queues.models import Ticket
from emr.queues.rules import TicketState
from emr.queues.service import in_queue, issue_ticket, move_ticket_of_visit, ticket_of_visit
from emr.visits.insurance import InvalidVisit, require_usable, with_threshold
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant, local_day
from kernel.ids import new_id
from kernel.live import touch
from kernel.outbox.api import publish
from kernel.problems import Conflict
from kernel.staff.api import Actor

_VISITS = cast(Table, Visit.__table__)
_RENAMED = {"room": "room_code", "department": "department_code"}
_COLUMNS = [
    Episode.code.label("episode_code")
    if name == "episode_code"
    else getattr(Visit, _RENAMED.get(name, name)).label(name)
    for name in VisitView.__struct_fields__
    if name != "ticket"
]


class AlreadyWaiting(Conflict):
    """The person already has an open visit in this room."""

    slug = "already-waiting"


class VisitMoved(Conflict):
    """The visit is no longer in a state that allows this."""

    slug = "visit-moved"


class VisitTaken(Conflict):
    """Another doctor is examining."""

    slug = "visit-taken"


class UndoneOrders(Conflict):
    """Orders that may be done are not: they must be done or voided before the visit ends."""

    slug = "undone-orders"


class NotAdmitted(Conflict):
    slug = "not-admitted"


async def open_visit(session: AsyncSession, command: OpenVisit, *, actor: Actor, now: Instant) -> VisitView:
    """Open an exam visit once: episode, exam order, ticket with the room's next number.

    Raises NoSuchPatient, NoSuchRoom, NoSuchService, InvalidVisit (naming the field), AlreadyWaiting, IdReused.
    """
    locked = select(Patient.birth_date).where(Patient.id == command.patient_id)
    birth = await session.scalar(locked.with_for_update(key_share=True))
    if birth is None:
        raise NoSuchPatient("Không có hồ sơ người bệnh này.", field="patient_id")
    stored = await session.scalar(select(Visit.fingerprint).where(Visit.id == command.id))
    if stored is not None:
        require_same(stored, command)
        return await get_visit(session, command.id)
    room = await get_room(session, command.room)
    if room.kind not in ("EXAM", "EMERGENCY"):
        raise InvalidVisit(f"{room.name} không phải phòng khám.", field="room")
    setting = Setting.EMERGENCY if room.kind == "EMERGENCY" else command.setting
    _check(command, setting, birth, local_day(now))
    await _refuse_second(session, command, now=now)
    episode_id, episode_code = await join_episode(session, command.patient_id, now=now)
    values = _values(command, setting, room.department_code, episode_id, actor=actor, now=now)
    if command.insurance is not None:
        values["insurance"] = to_builtins(await with_threshold(session, command.insurance, local_day(now)))
    number = await session.scalar(insert(_VISITS).values(values).returning(_VISITS.c.number))
    await _tell_opened(session, command, episode_id, actor=actor, now=now)
    ready = await place_exam(session, command.id, _exam_line(command, setting), actor=actor, now=now)
    ticket = await issue_ticket(
        session, visit_id=command.id, room=room.code, priority=command.priority, ready=ready, now=now
    )
    shown = values | {"number": number, "episode_code": episode_code, "room": room.code, "ticket": ticket}
    return convert(shown | {"department": room.department_code}, VisitView, from_attributes=True)


async def _tell_opened(
    session: AsyncSession, command: OpenVisit, episode_id: UUID, *, actor: Actor, now: Instant
) -> None:
    payer = command.payer.value
    opened = VisitOpened(
        visit_id=command.id,
        episode_id=episode_id,
        patient_id=command.patient_id,
        payer=payer,
        room=command.room,
        opened_at=now,
    )
    await publish(session, opened)
    detail = {"room": command.room, "payer": payer, "identified_by": command.identified_by.value}
    entry = Entry(Action.CREATE, f"emr.visit:{command.id}", command.patient_id, detail=detail)
    await record(session, entry, actor)


def _exam_line(command: OpenVisit, setting: Setting) -> OrderLine:
    return OrderLine(
        id=new_id(),
        service_code=command.service_code,
        on_demand=command.payer is Payer.ON_DEMAND,
        priority=Priority.EMERGENCY if setting is Setting.EMERGENCY else Priority.ROUTINE,
        room=command.room,
    )


def _check(command: OpenVisit, setting: Setting, birth: date, today: date) -> None:
    """Raises InvalidVisit. An emergency never waits for papers."""
    if command.payer is Payer.BHYT:
        if command.insurance is None:
            raise InvalidVisit(
                "Khám BHYT cần kết quả tra cứu thẻ. Nhập kết quả tra cứu rồi mở lượt.", field="insurance"
            )
        if setting is not Setting.EMERGENCY:
            require_usable(command.insurance, today)
    if setting is not Setting.EMERGENCY and needs_guardian(birth, today) and command.guardian is None:
        raise InvalidVisit(
            "Người bệnh dưới 16 tuổi: nhập cha, mẹ hoặc người giám hộ đi cùng.", field="guardian"
        )


async def _refuse_second(session: AsyncSession, command: OpenVisit, *, now: Instant) -> None:
    """Raises AlreadyWaiting. A visit that left the room's queue (nobody came, weeks ago) stands in nobody's way."""
    statement = (
        select(Visit.id)
        .join(Ticket, Ticket.visit_id == Visit.id)
        .where(
            Visit.patient_id == command.patient_id,
            Visit.room_code == command.room,
            Visit.state.in_([VisitState.WAITING.value, VisitState.IN_PROGRESS.value]),
            in_queue(now),
        )
    )
    visit_id = await session.scalar(statement.limit(1))
    if visit_id is None:
        return
    ticket = await ticket_of_visit(session, visit_id)
    number = f" số {ticket.number}" if ticket else ""
    raise AlreadyWaiting(
        f"Người bệnh đã có lượt khám chưa xong ở phòng này{number}.", extra={"visit_id": str(visit_id)}
    )


def _values(
    command: OpenVisit, setting: Setting, department: str, episode_id: UUID, *, actor: Actor, now: Instant
) -> dict[str, Any]:
    return {
        "id": command.id,
        "number": func.emr_next_code("KB", local_day(now).year, "emr_visit_number"),
        "episode_id": episode_id,
        "patient_id": command.patient_id,
        "payer": command.payer.value,
        "setting": setting.value,
        "room_code": command.room,
        "department_code": department,
        "service_code": command.service_code,
        "reason": command.reason,
        "state": VisitState.WAITING.value,
        "insurance": to_builtins(command.insurance),
        "guardian": to_builtins(command.guardian),
        "identified_by": command.identified_by.value,
        "identified_reply": command.identified_reply,
        "identified_staff": actor.id,
        "fingerprint": fingerprint(command),
        "opened_at": now,
        "opened_by": actor.id,
        "started_at": None,
        "doctor_id": None,
        "doctor_name": None,
        "ended_at": None,
        "outcome": None,
        "cancel_reason": "",
    }


async def get_visit(session: AsyncSession, visit_id: UUID) -> VisitView:
    """Return a visit with its ticket. Raises NoSuchVisit."""
    statement = select(*_COLUMNS).join(Episode, Episode.id == Visit.episode_id).where(Visit.id == visit_id)
    row = (await session.execute(statement)).first()
    if row is None:
        raise NoSuchVisit("Không có lượt khám này.")
    ticket = await ticket_of_visit(session, visit_id)
    return convert(row._asdict() | {"ticket": ticket}, VisitView)


async def patient_history(session: AsyncSession, patient_id: UUID, *, limit: int = 50) -> list[VisitView]:
    """Return a person's visits, the latest first."""
    statement = select(*_COLUMNS).join(Episode, Episode.id == Visit.episode_id)
    statement = statement.where(Visit.patient_id == patient_id).order_by(Visit.opened_at.desc()).limit(limit)
    return [convert(row._asdict(), VisitView) for row in await session.execute(statement)]


async def _locked(session: AsyncSession, visit_id: UUID) -> dict[str, Any]:
    row = (await session.execute(select(_VISITS).where(_VISITS.c.id == visit_id).with_for_update())).first()
    if row is None:
        raise NoSuchVisit("Không có lượt khám này.")
    return row._asdict()


async def _move(session: AsyncSession, row: dict[str, Any], new: VisitState, **values: Any) -> None:
    old = VisitState(row["state"])
    if not may_move(old, new):
        raise VisitMoved(f"Lượt khám đang ở trạng thái “{STATE_WORDS[old]}”, không chuyển được.")
    await session.execute(update(_VISITS).where(_VISITS.c.id == row["id"]).values(state=new.value, **values))
    touch(session, f"visit:{row['id']}", {"visit_id": str(row["id"])})


async def _exam_of(session: AsyncSession, visit_id: UUID) -> dict[str, Any] | None:
    """Lock the exam order of a visit."""
    exam = select(Order.id).where(
        Order.visit_id == visit_id, Order.kind == "EXAM", Order.state != OrderState.VOIDED.value
    )
    order_id = await session.scalar(exam.order_by(Order.placed_at).limit(1))
    return await lock_order(session, order_id) if order_id else None


async def start_visit(session: AsyncSession, visit_id: UUID, *, actor: Actor, now: Instant) -> VisitView:
    """Begin the exam. Doing so again changes nothing for the same doctor.

    Raises NoSuchVisit, NotReleased while the exam fee is unpaid, VisitTaken, VisitMoved.
    """
    row = await _locked(session, visit_id)
    if row["state"] == VisitState.IN_PROGRESS and row["doctor_id"] == actor.id:
        return await get_visit(session, visit_id)
    if row["state"] == VisitState.IN_PROGRESS:
        raise VisitTaken(f"{row['doctor_name']} đang khám người bệnh này.")
    exam = await _exam_of(session, visit_id)
    if exam is not None and exam["state"] != OrderState.DOING:
        await move_order(session, exam, OrderState.DOING, performed_at=now, performed_by=actor.id)
    doctor = {"started_at": now, "doctor_id": actor.id, "doctor_name": actor.name}
    await _move(session, row, VisitState.IN_PROGRESS, **doctor)
    await move_ticket_of_visit(session, visit_id, TicketState.SERVING)
    entry = Entry(Action.CHANGE, f"emr.visit:{visit_id}", row["patient_id"], detail={"state": "IN_PROGRESS"})
    await record(session, entry, actor)
    return await get_visit(session, visit_id)


async def end_visit(
    session: AsyncSession,
    visit_id: UUID,
    outcome: Outcome,
    *,
    actor: Actor,
    now: Instant,
    void_undone: bool = False,
) -> VisitView:
    """End the exam and close the episode if nothing else of it is open.

    Orders still waiting for the till are voided: they were neither paid nor done. Raises NoSuchVisit, VisitMoved,
    UndoneOrders for paid or insured orders nobody has begun (unless `void_undone`), NotAdmitted.
    """
    row = await _locked(session, visit_id)
    stay_open = await session.scalar(select(Episode.stay_open).where(Episode.id == row["episode_id"]))
    if outcome is Outcome.ADMITTED and not stay_open:
        raise NotAdmitted("Chưa nhập viện. Làm thủ tục nhập viện trước, lượt khám sẽ tự kết thúc.")
    await _move(session, row, VisitState.ENDED, ended_at=now, outcome=outcome.value)
    exam = await _exam_of(session, visit_id)
    if exam is not None and exam["state"] == OrderState.DOING:
        await move_order(session, exam, OrderState.DONE)
    if not stay_open:
        of_visit = Order.visit_id == visit_id
        await settle_undone(
            session, of_visit, "Kết thúc khám, chưa thực hiện", void_undone=void_undone, actor=actor, now=now
        )
    await move_ticket_of_visit(session, visit_id, TicketState.DONE)
    closed = await close_if_over(session, row["episode_id"], now=now)
    await publish(
        session,
        VisitEnded(
            visit_id=visit_id,
            episode_id=row["episode_id"],
            patient_id=row["patient_id"],
            ended_at=now,
            inpatient=bool(stay_open),
            episode_closed=closed,
            outcome=outcome.value,
        ),
    )
    entry = Entry(
        Action.CHANGE, f"emr.visit:{visit_id}", row["patient_id"], detail={"outcome": outcome.value}
    )
    await record(session, entry, actor)
    return await get_visit(session, visit_id)


async def settle_undone(
    session: AsyncSession,
    whose: ColumnElement[bool],
    reason: str,
    *,
    void_undone: bool,
    actor: Actor,
    now: Instant,
) -> None:
    """Void orders that nobody will carry out any more: the bill asks for what was done. Raises UndoneOrders."""
    undone = select(Order.id, Order.state, Order.service_name).where(
        whose, Order.state.in_([state.value for state in UNDONE]), Order.kind != "EXAM"
    )
    rows = (await session.execute(undone.order_by(Order.placed_at))).all()
    waiting = [row.service_name for row in rows if row.state == OrderState.RELEASED]
    if waiting and not void_undone:
        raise UndoneOrders(
            f"Còn chỉ định chưa làm: {', '.join(waiting)}. Chờ làm xong, hoặc chọn huỷ các chỉ định chưa làm."
        )
    for row in rows:
        locked = await lock_order(session, row.id)
        await void_locked(session, locked, reason, actor=actor, now=now)


async def cancel_visit(
    session: AsyncSession, visit_id: UUID, reason: str, *, actor: Actor, now: Instant
) -> VisitView:
    """Cancel a visit nobody has begun, with its orders and its number. Raises NoSuchVisit, VisitMoved."""
    row = await _locked(session, visit_id)
    await _move(session, row, VisitState.CANCELLED, cancel_reason=reason)
    orders = select(Order.id).where(
        Order.visit_id == visit_id, Order.state.in_([state.value for state in UNDONE])
    )
    for order_id in await session.scalars(orders):
        await void_locked(session, await lock_order(session, order_id), reason, actor=actor, now=now)
    await move_ticket_of_visit(session, visit_id, TicketState.CANCELLED)
    await close_if_over(session, row["episode_id"], now=now)
    await record(session, Entry(Action.VOID, f"emr.visit:{visit_id}", row["patient_id"], reason), actor)
    return await get_visit(session, visit_id)
