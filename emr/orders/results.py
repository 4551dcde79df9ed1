"""Do an order, report its result, approve it."""

from typing import Any, cast
from uuid import UUID

from msgspec import convert
from msgspec.structs import replace
from sqlalchemy import Table, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.models import ServiceItem
from emr.once import IdReused
from emr.orders.models import Result
from emr.orders.rules import OrderState, abnormal, measured
from emr.orders.service import lock_order, move_order, orders_by_id
from emr.orders.views import OrderView, ReportResult, ResultView
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.problems import Forbidden, Refused
from kernel.staff.api import Actor

_RESULTS = cast(Table, Result.__table__)
_COLUMNS = [
    _RESULTS.c[{"reported_by": "reported_name"}.get(name, name)].label(name)
    for name in ResultView.__struct_fields__
]


class InvalidResult(Refused):
    slug = "invalid-result"


class SelfApproval(Forbidden):
    """Who reported a result does not approve it."""

    slug = "self-approval"


async def begin_order(session: AsyncSession, order_id: UUID, *, actor: Actor, now: Instant) -> OrderView:
    """Take an order up (lấy mẫu, bắt đầu làm). Raises NoSuchOrder, NotReleased, OrderMoved."""
    row = await lock_order(session, order_id)
    await _begin(session, row, actor=actor, now=now)
    return (await orders_by_id(session, [order_id]))[0]


async def _begin(session: AsyncSession, row: dict[str, Any], *, actor: Actor, now: Instant) -> None:
    await move_order(session, row, OrderState.DOING, performed_at=now, performed_by=actor.id)
    entry = Entry(Action.CHANGE, f"emr.order:{row['id']}", row["patient_id"], detail={"state": "DOING"})
    await record(session, entry, actor)


async def report_result(
    session: AsyncSession, order_id: UUID, command: ReportResult, *, actor: Actor, now: Instant
) -> OrderView:
    """Write a result; it is marked "chưa duyệt" until somebody else approves it.

    A later report is a new version and must say why. Sending the same id again changes nothing.
    Raises NoSuchOrder, NotReleased, OrderMoved, InvalidResult, IdReused.
    """
    row = await lock_order(session, order_id)
    known = await session.scalar(select(_RESULTS.c.order_id).where(_RESULTS.c.id == command.id))
    if known is not None:
        if known != order_id:
            raise IdReused("Mã này đã dùng cho một kết quả khác.")
        return await order_with_result(session, order_id)
    _check(command, now)
    last = await session.scalar(select(func.max(_RESULTS.c.version)).where(_RESULTS.c.order_id == order_id))
    version = int(last or 0) + 1
    if version > 1 and not command.reason.strip():
        raise InvalidResult("Sửa kết quả đã báo phải ghi lý do.", field="reason")
    if row["state"] == OrderState.RELEASED:
        await _begin(session, row, actor=actor, now=now)
        row["state"] = OrderState.DOING.value
    if row["state"] != OrderState.REPORTED:
        await move_order(
            session, row, OrderState.REPORTED, reported_at=now, reported_by=actor.id, **_UNAPPROVED
        )
    await _insert(session, row, command, version, actor=actor, now=now)
    entry = Entry(
        Action.CREATE if version == 1 else Action.CHANGE,
        f"emr.order:{order_id}",
        row["patient_id"],
        command.reason or None,
        {"result_version": version},
    )
    await record(session, entry, actor)
    return await order_with_result(session, order_id)


_UNAPPROVED = {"approved_at": None, "approved_by": None, "approved_name": None}


def _check(command: ReportResult, now: Instant) -> None:
    if not command.text.strip() and not command.value:
        raise InvalidResult("Nhập kết quả bằng số hoặc bằng lời.", field="text")
    if command.value and measured(command.value) is None:
        raise InvalidResult("Kết quả số không đúng dạng, ví dụ 5,4.", field="value")
    if command.measured_at and command.measured_at > now:
        raise InvalidResult("Giờ làm không thể ở tương lai.", field="measured_at")


async def _insert(
    session: AsyncSession,
    row: dict[str, Any],
    command: ReportResult,
    version: int,
    *,
    actor: Actor,
    now: Instant,
) -> None:
    service = select(ServiceItem.low, ServiceItem.high, ServiceItem.result_unit)
    reference = (await session.execute(service.where(ServiceItem.code == row["service_code"]))).first()
    low, high, unit = tuple(reference) if reference else (None, None, "")
    number = measured(command.value) if command.value else None
    await session.execute(
        insert(_RESULTS).values(
            id=command.id,
            order_id=row["id"],
            version=version,
            text=command.text.strip(),
            value=str(number) if number is not None else None,
            unit=command.unit or unit,
            abnormal=abnormal(command.value, low=low, high=high),
            reason=command.reason.strip(),
            measured_at=command.measured_at,
            reported_at=now,
            reported_by=actor.id,
            reported_name=actor.name,
        )
    )


async def approve_result(session: AsyncSession, order_id: UUID, *, actor: Actor, now: Instant) -> OrderView:
    """Approve the last version of a result (duyệt kết quả). Raises NoSuchOrder, InvalidResult, SelfApproval, OrderMoved."""
    row = await lock_order(session, order_id)
    reporter = select(_RESULTS.c.reported_by).where(_RESULTS.c.order_id == order_id)
    last = await session.scalar(reporter.order_by(_RESULTS.c.version.desc()).limit(1))
    if last == actor.id:
        raise SelfApproval("Người báo kết quả không tự duyệt. Nhờ người khác có quyền duyệt.")
    if last is None:
        raise InvalidResult("Chưa có kết quả để duyệt.")
    await move_order(
        session, row, OrderState.DONE, approved_at=now, approved_by=actor.id, approved_name=actor.name
    )
    entry = Entry(Action.CHANGE, f"emr.order:{order_id}", row["patient_id"], detail={"state": "DONE"})
    await record(session, entry, actor)
    return await order_with_result(session, order_id)


async def finish_order(session: AsyncSession, order_id: UUID, *, actor: Actor, now: Instant) -> OrderView:
    """End an order that has no result to report (procedure, exam). Raises NoSuchOrder, NotReleased, OrderMoved."""
    row = await lock_order(session, order_id)
    if row["state"] == OrderState.RELEASED:
        await _begin(session, row, actor=actor, now=now)
        row["state"] = OrderState.DOING.value
    await move_order(session, row, OrderState.DONE)
    entry = Entry(Action.CHANGE, f"emr.order:{order_id}", row["patient_id"], detail={"state": "DONE"})
    await record(session, entry, actor)
    return (await orders_by_id(session, [order_id]))[0]


async def results_of(session: AsyncSession, order_id: UUID) -> list[ResultView]:
    """Return every version of a result, the latest first."""
    rows = await session.execute(
        select(*_COLUMNS).where(_RESULTS.c.order_id == order_id).order_by(_RESULTS.c.version.desc())
    )
    return [convert(row._asdict(), ResultView) for row in rows]


async def last_results(session: AsyncSession, order_ids: list[UUID]) -> dict[UUID, ResultView]:
    """Return the last version of each order's result."""
    latest = (
        select(_RESULTS.c.order_id, *_COLUMNS)
        .ext(distinct_on(_RESULTS.c.order_id))
        .where(_RESULTS.c.order_id.in_(order_ids))
        .order_by(_RESULTS.c.order_id, _RESULTS.c.version.desc())
    )
    rows = await session.execute(latest)
    return {row.order_id: convert(row._asdict(), ResultView) for row in rows}


async def order_with_result(session: AsyncSession, order_id: UUID) -> OrderView:
    """Raises NoSuchOrder."""
    return (await with_results(session, await orders_by_id(session, [order_id])))[0]


async def with_results(session: AsyncSession, orders: list[OrderView]) -> list[OrderView]:
    """Add to each order the last version of its result."""
    results = await last_results(session, [order.id for order in orders])
    return [replace(order, result=results.get(order.id)) for order in orders]
