"""The list left of the work: a room's queue, grouped by what is to be done."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import OrderState, QueuePriority, Sex
from emr.orders.work import orders_of_visits
from emr.queues.rules import TicketState
from emr.queues.service import queue_of
from emr.queues.views import QueueLine
from emr.workbench.rules import progress
from emr.workbench.views import QueuePanel, QueueRow
from kernel.clock import Instant, format_clock, local_day
from kernel.web.setup import age_text

SEX_WORDS = {Sex.MALE: "Nam", Sex.FEMALE: "Nữ", Sex.UNKNOWN: "Chưa rõ"}
MARKS = {QueuePriority.PRIORITY: "Ưu tiên", QueuePriority.EMERGENCY: "Cấp cứu", QueuePriority.NORMAL: ""}


async def queue_panel(session: AsyncSession, room: str, *, now: Instant) -> QueuePanel:
    """Group today's queue of a room. Raises NoSuchRoom."""
    today = local_day(now)
    queue = await queue_of(session, room, now=now)
    serving = [line.visit_id for line in queue.lines if line.state == TicketState.SERVING]
    counts = await _progress_of(session, serving)
    groups: dict[str, list[QueueRow]] = {}
    for line in queue.lines:
        group = _group(line, counts)
        groups.setdefault(group, []).append(_row(line, group, counts, today))
    waiting = [line for line in queue.lines if line.state == TicketState.WAITING and line.ready]
    return QueuePanel(
        room=queue.room,
        room_name=queue.room_name,
        note=_note(waiting, now),
        serving=tuple(groups.get("serving", ())),
        back=tuple(sorted(groups.get("back", ()), key=lambda row: row.done < row.total)),
        waiting=tuple(groups.get("waiting", ())),
        unpaid=tuple(groups.get("unpaid", ())),
        missed=tuple(groups.get("missed", ())),
        ended=tuple(groups.get("ended", ())),
    )


async def _progress_of(session: AsyncSession, visits: list[UUID]) -> dict[UUID, tuple[int, int]]:
    """Count finished and all investigations of the people being examined; those without any are left out."""
    states: dict[UUID, list[OrderState]] = {}
    for order in await orders_of_visits(session, visits):
        if order.kind != "EXAM":
            states.setdefault(order.visit_id, []).append(order.state)
    counts = {visit: progress(found) for visit, found in states.items()}
    return {visit: count for visit, count in counts.items() if count[1]}


def _group(line: QueueLine, counts: dict[UUID, tuple[int, int]]) -> str:
    match TicketState(line.state):
        case TicketState.SERVING:
            return "back" if line.visit_id in counts else "serving"
        case TicketState.CALLED:
            return "serving"
        case TicketState.MISSED:
            return "missed"
        case TicketState.DONE:
            return "ended"
        case _:
            return "waiting" if line.ready else "unpaid"


def _row(line: QueueLine, group: str, counts: dict[UUID, tuple[int, int]], today: date) -> QueueRow:
    done, total = counts.get(line.visit_id, (0, 0))
    note = f"{age_text(line.birth_date, today)} · {SEX_WORDS[Sex(line.sex)]}"
    if group in ("waiting", "unpaid"):
        note += f" · {format_clock(line.issued_at)}"
    return QueueRow(
        visit_id=line.visit_id,
        number=line.number,
        name=line.name,
        note=note,
        mark=MARKS[line.priority],
        called=line.state == TicketState.CALLED,
        done=done,
        total=total,
    )


def _note(waiting: list[QueueLine], now: datetime) -> str:
    if not waiting:
        return "Không có ai chờ"
    longest = max(int((now - line.issued_at).total_seconds() // 60) for line in waiting)
    return f"{len(waiting)} chờ · lâu nhất {longest}′"
