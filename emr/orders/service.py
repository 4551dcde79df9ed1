"""Place orders, release them, carry them out."""

from typing import Any, cast
from uuid import UUID

from msgspec import Struct, convert
from sqlalchemy import ARRAY, DateTime, Table, Uuid, any_, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.service import get_service
from emr.catalogs.views import Service
from emr.episodes.rules import VisitState
from emr.episodes.service import OrderContext, order_context
from emr.events import OrderPlaced, OrderVoided
from emr.once import fingerprint, require_same
from emr.orders.models import Order
from emr.orders.rules import STATE_WORDS, OrderState, ReleasedBy, may_move, released_at_once
from emr.orders.views import OrderLine, OrderView, PlaceOrders, VoidOrder
from emr.queues.service import make_ready
from kernel.audit.api import Action, Entry, record, record_all
from kernel.clock import Instant, local_day
from kernel.live import touch
from kernel.outbox.api import publish
from kernel.problems import Conflict, Forbidden, NotFound
from kernel.staff.api import SYSTEM, Actor, Role
from kernel.statements import Statement

ORDERS = cast(Table, Order.__table__)
_RELEASE = Statement(
    update(ORDERS)
    .where(
        ORDERS.c.id == any_(bindparam("orders", type_=ARRAY(Uuid))),
        ORDERS.c.state == OrderState.HELD.value,
    )
    .values(
        state=OrderState.RELEASED.value,
        released_at=bindparam("now", type_=DateTime(timezone=True)),
        released_by=bindparam("by"),
    )
    .returning(ORDERS.c.id, ORDERS.c.visit_id, ORDERS.c.patient_id, ORDERS.c.kind, ORDERS.c.room_code)
)
_RENAMED = {"room": "room_code", "ordered_by": "ordered_name", "approved_by": "approved_name"}
COLUMNS = [
    ORDERS.c[_RENAMED.get(name, name)].label(name) for name in OrderView.__struct_fields__ if name != "result"
]


class NoSuchOrder(NotFound):
    slug = "no-such-order"


class VisitClosed(Conflict):
    """The visit takes no more orders."""

    slug = "visit-closed"


class OrderMoved(Conflict):
    """The order is no longer in a state that allows this."""

    slug = "order-moved"


class NotReleased(Conflict):
    """The order waits for the till."""

    slug = "order-not-released"


class NotYourOrder(Forbidden):
    slug = "not-your-order"


class Placed(Struct, frozen=True):
    """A line with what the catalog and the rule say of it."""

    line: OrderLine
    service: Service
    in_scope: bool
    released_by: ReleasedBy | None


async def place_orders(
    session: AsyncSession, command: PlaceOrders, *, actor: Actor, now: Instant
) -> list[OrderView]:
    """Order services for a visit; the same lines again give the same orders.

    Raises NoSuchVisit, VisitClosed, NoSuchService, IdReused.
    """
    context = await order_context(session, command.visit_id)
    if context.state not in (VisitState.WAITING, VisitState.IN_PROGRESS) and not context.stay_open:
        raise VisitClosed("Lượt khám đã kết thúc, không thêm chỉ định được. Mở lượt khám mới.")
    placed = [await _placed(session, line, context, now) for line in command.lines]
    await _insert(session, context, placed, actor=actor, now=now)
    return await orders_by_id(session, [line.id for line in command.lines])


async def place_exam(
    session: AsyncSession, visit_id: UUID, line: OrderLine, *, actor: Actor, now: Instant
) -> bool:
    """Order the exam of a visit just opened; tells whether it may be done at once."""
    context = await order_context(session, visit_id)
    placed = await _placed(session, line, context, now)
    await _insert(session, context, [placed], actor=actor, now=now)
    return placed.released_by is not None


async def _placed(session: AsyncSession, line: OrderLine, context: OrderContext, now: Instant) -> Placed:
    service = await get_service(session, line.service_code, on=local_day(now))
    in_scope = service.in_scope if line.in_scope is None else line.in_scope
    released = released_at_once(
        payer=context.payer,
        setting=context.setting,
        priority=line.priority,
        in_scope=in_scope,
        on_demand=line.on_demand,
        credit=context.credit,
    )
    return Placed(line=line, service=service, in_scope=in_scope, released_by=released)


async def _insert(
    session: AsyncSession, context: OrderContext, placed: list[Placed], *, actor: Actor, now: Instant
) -> None:
    rows = [_row(context, one, actor=actor, now=now) for one in placed]
    made = insert(ORDERS).values(rows).on_conflict_do_nothing(index_elements=["id"]).returning(ORDERS.c.id)
    new = set(await session.scalars(made))
    await _require_same_lines(session, [one.line for one in placed if one.line.id not in new])
    fresh = [one for one in placed if one.line.id in new]
    for one in fresh:
        await publish(session, _event(context, one, now))
    entries = [
        Entry(
            Action.CREATE,
            f"emr.order:{one.line.id}",
            context.patient_id,
            detail={"service": one.service.code},
        )
        for one in fresh
    ]
    await record_all(session, entries, actor)
    for room in sorted({row["room_code"] for row in rows if row["room_code"] and row["id"] in new}):
        touch(session, f"orders:{room}", {"room": room})


def _row(context: OrderContext, one: Placed, *, actor: Actor, now: Instant) -> dict[str, Any]:
    line, service = one.line, one.service
    state = OrderState.RELEASED if one.released_by else OrderState.HELD
    return {
        "id": line.id,
        "number": func.emr_next_code("CD", local_day(now).year, "emr_order_number"),
        "visit_id": context.visit_id,
        "episode_id": context.episode_id,
        "patient_id": context.patient_id,
        "service_code": service.code,
        "service_name": service.name,
        "kind": service.kind,
        "quantity": line.quantity,
        "payer": context.payer.value,
        "setting": context.setting.value,
        "priority": line.priority.value,
        "in_scope": one.in_scope,
        "on_demand": line.on_demand,
        "room_code": line.room or (context.room if service.kind == "EXAM" else service.room),
        "note": line.note,
        "state": state.value,
        "released_by": one.released_by.value if one.released_by else None,
        "fingerprint": fingerprint(line),
        "ordered_by": actor.id,
        "ordered_name": actor.name,
        "placed_at": now,
        "released_at": now if one.released_by else None,
        "void_reason": "",
    }


def _event(context: OrderContext, one: Placed, now: Instant) -> OrderPlaced:
    return OrderPlaced(
        order_id=one.line.id,
        visit_id=context.visit_id,
        episode_id=context.episode_id,
        patient_id=context.patient_id,
        service_code=one.service.code,
        service_name=one.service.name,
        quantity=one.line.quantity,
        payer=context.payer.value,
        priority=one.line.priority.value,
        setting=context.setting.value,
        in_scope=one.in_scope,
        on_demand=one.line.on_demand,
        placed_at=now,
    )


async def _require_same_lines(session: AsyncSession, lines: list[OrderLine]) -> None:
    if not lines:
        return
    stored = select(ORDERS.c.id, ORDERS.c.fingerprint).where(ORDERS.c.id.in_([line.id for line in lines]))
    prints = {row.id: row.fingerprint for row in await session.execute(stored)}
    for line in lines:
        require_same(prints[line.id], line)


async def orders_by_id(session: AsyncSession, order_ids: list[UUID]) -> list[OrderView]:
    """Return orders in the order asked for, without results. Raises NoSuchOrder."""
    rows = await session.execute(select(*COLUMNS).where(ORDERS.c.id.in_(order_ids)))
    found = {row.id: convert(row._asdict(), OrderView) for row in rows}
    missing = [order_id for order_id in order_ids if order_id not in found]
    if missing:
        raise NoSuchOrder("Không có chỉ định này.")
    return [found[order_id] for order_id in order_ids]


async def lock_order(session: AsyncSession, order_id: UUID) -> dict[str, Any]:
    """Read one order for a move. Raises NoSuchOrder."""
    row = (await session.execute(select(ORDERS).where(ORDERS.c.id == order_id).with_for_update())).first()
    if row is None:
        raise NoSuchOrder("Không có chỉ định này.")
    return row._asdict()


async def move_order(session: AsyncSession, row: dict[str, Any], new: OrderState, **values: Any) -> None:
    """Move a locked order. Raises NotReleased for one that waits for the till, OrderMoved for other bad moves."""
    old = OrderState(row["state"])
    if old is OrderState.HELD and new in (OrderState.DOING, OrderState.REPORTED, OrderState.DONE):
        raise NotReleased(
            "Chỉ định chưa được thực hiện: chờ thu tiền. "
            "Mời người bệnh đến quầy thu viện phí, hoặc nhờ trực lãnh đạo cho nợ."
        )
    if not may_move(old, new):
        raise OrderMoved(f"Chỉ định đang ở trạng thái “{STATE_WORDS[old]}”, không chuyển được.")
    await session.execute(update(ORDERS).where(ORDERS.c.id == row["id"]).values(state=new.value, **values))
    if row["room_code"]:
        touch(session, f"orders:{row['room_code']}", {"room": row["room_code"]})
    touch(session, f"visit:{row['visit_id']}", {"visit_id": str(row["visit_id"])})


async def release_orders(
    session: AsyncSession,
    order_ids: list[UUID],
    *,
    now: Instant,
    by: ReleasedBy = ReleasedBy.PAYMENT,
    actor: Actor = SYSTEM,
) -> list[UUID]:
    """Let held orders be carried out; returns those that were held. Others are left as they are."""
    rows = await _RELEASE.rows(session, orders=order_ids, now=now, by=by.value)
    entries = [
        Entry(Action.CHANGE, f"emr.order:{row['id']}", row["patient_id"], detail={"released_by": by.value})
        for row in rows
    ]
    await record_all(session, entries, actor)
    exams = [row["visit_id"] for row in rows if row["kind"] == "EXAM"]
    if exams:
        await make_ready(session, exams)
    for room in sorted({row["room_code"] for row in rows if row["room_code"]}):
        touch(session, f"orders:{room}", {"room": room})
    for visit_id in sorted({str(row["visit_id"]) for row in rows}):
        touch(session, f"visit:{visit_id}", {"visit_id": visit_id})
    return [row["id"] for row in rows]


async def void_order(
    session: AsyncSession, order_id: UUID, command: VoidOrder, *, actor: Actor, now: Instant
) -> OrderView:
    """Cancel an order nobody has begun. Raises NoSuchOrder, NotYourOrder, OrderMoved."""
    row = await lock_order(session, order_id)
    if row["ordered_by"] != actor.id and not actor.has(Role.HEAD, Role.DIRECTOR):
        raise NotYourOrder("Chỉ người ra chỉ định, trưởng khoa hoặc lãnh đạo hủy được chỉ định này.")
    await void_locked(session, row, command.reason, actor=actor, now=now)
    return (await orders_by_id(session, [order_id]))[0]


async def void_locked(
    session: AsyncSession, row: dict[str, Any], reason: str, *, actor: Actor, now: Instant
) -> None:
    """Void a locked order and tell billing. Raises OrderMoved."""
    await move_order(session, row, OrderState.VOIDED, voided_at=now, voided_by=actor.id, void_reason=reason)
    await publish(session, OrderVoided(order_id=row["id"], episode_id=row["episode_id"], at=now))
    entry = Entry(Action.VOID, f"emr.order:{row['id']}", row["patient_id"], reason=reason)
    await record(session, entry, actor)
