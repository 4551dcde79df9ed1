"""Counters, and who takes cash at one."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct, convert
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from billing.ledger.service import drawer
from billing.requests.at_counter import cancel_at
from billing.requests.views import CounterCode
from billing.shifts.models import Counter, Shift
from kernel.audit.api import Action, Entry, record
from kernel.clock import Instant
from kernel.money import Vnd
from kernel.problems import Conflict, NotFound, Refused
from kernel.staff.api import Actor


class OpenShift(Struct, frozen=True, forbid_unknown_fields=True):
    """Open a shift with the counted float (tiền đầu ca). `id` is kept across retries."""

    id: UUID
    counter: CounterCode
    opening_float: Vnd = 0


class CloseShift(Struct, frozen=True, forbid_unknown_fields=True):
    """Close a shift with the drawer counted blind; a difference needs a reason."""

    counted: Vnd
    reason: str = ""


class CounterView(Struct, frozen=True):
    code: str
    name: str

    @property
    def staffed(self) -> bool:
        """A cashier sits there; a kiosk and the portal take no cash."""
        return not self.code.startswith(("KIOSK", "PORTAL"))


class ShiftView(Struct, frozen=True):
    """Ca thu. The QR total is not in it: it comes from the ledger."""

    id: UUID
    counter: str
    cashier_id: UUID
    cashier_name: str
    opening_float: Vnd
    opened_at: Instant
    counted: int | None
    expected: int | None
    difference: int | None
    closed_at: Instant | None


class NoSuchCounter(NotFound):
    slug = "no-such-counter"


class NoSuchShift(NotFound):
    slug = "no-such-shift"


class CounterTaken(Conflict):
    slug = "counter-taken"


class ShiftClosed(Conflict):
    slug = "shift-closed"


class NoOpenShift(Conflict):
    slug = "no-open-shift"


class DifferenceNeedsReason(Refused):
    slug = "difference-needs-reason"


async def add_counter(session: AsyncSession, code: str, name: str) -> None:
    """Add a counter; one already known keeps its name."""
    await session.execute(
        insert(Counter).values(code=code, name=name).on_conflict_do_nothing(index_elements=["code"])
    )


async def list_counters(session: AsyncSession) -> Sequence[CounterView]:
    """Return all counters by code."""
    rows = await session.scalars(select(Counter).order_by(Counter.code))
    return [convert(row, CounterView, from_attributes=True) for row in rows]


async def get_counter(session: AsyncSession, code: str) -> CounterView:
    """Return a counter. Raises NoSuchCounter."""
    row = await session.get(Counter, code)
    if row is None:
        raise NoSuchCounter("Không có quầy thu này.")
    return convert(row, CounterView, from_attributes=True)


async def open_shift(session: AsyncSession, command: OpenShift, *, actor: Actor, now: Instant) -> ShiftView:
    """Open a shift once. Raises NoSuchCounter, CounterTaken if the cashier or the counter has an open one."""
    await get_counter(session, command.counter)
    existing = await session.get(Shift, command.id)
    if existing is not None and existing.cashier_id == actor.id:
        return convert(existing, ShiftView, from_attributes=True)
    shift = Shift(
        id=command.id,
        counter=command.counter,
        cashier_id=actor.id,
        cashier_name=actor.name,
        opening_float=command.opening_float,
        opened_at=now,
    )
    try:
        async with session.begin_nested():
            session.add(shift)
    except IntegrityError as error:
        raise CounterTaken(
            "Quầy này đang có người thu, hoặc bạn đang mở ca ở quầy khác. Hãy đóng ca cũ trước."
        ) from error
    detail = {"counter": command.counter, "opening_float": command.opening_float}
    await record(session, Entry(Action.CREATE, f"billing.shift:{shift.id}", detail=detail), actor)
    return convert(shift, ShiftView, from_attributes=True)


async def shift_of(session: AsyncSession, actor: Actor) -> ShiftView | None:
    """Return the cashier's open shift."""
    row = await session.scalar(select(Shift).where(Shift.cashier_id == actor.id, Shift.closed_at.is_(None)))
    return convert(row, ShiftView, from_attributes=True) if row else None


async def lock_shift(session: AsyncSession, actor: Actor, counter: str) -> ShiftView:
    """Return the cashier's open shift at a counter, held open until this transaction ends. Raises NoOpenShift."""
    query = (
        select(Shift)
        .where(Shift.cashier_id == actor.id, Shift.counter == counter, Shift.closed_at.is_(None))
        .with_for_update(read=True)
    )
    row = await session.scalar(query)
    if row is None:
        raise NoOpenShift("Bạn chưa mở ca ở quầy này nên chưa thu tiền mặt được. Hãy mở ca trước.")
    return convert(row, ShiftView, from_attributes=True)


async def close_shift(
    session: AsyncSession, shift_id: UUID, command: CloseShift, *, actor: Actor, now: Instant
) -> ShiftView:
    """Close the cashier's own shift and take its codes off the second screen; money that comes late still matches.

    Raises NoSuchShift, ShiftClosed, DifferenceNeedsReason.
    """
    query = select(Shift).where(Shift.id == shift_id, Shift.cashier_id == actor.id).with_for_update()
    shift = await session.scalar(query)
    if shift is None:
        raise NoSuchShift("Không có ca thu này của bạn.")
    if shift.closed_at is not None:
        raise ShiftClosed("Ca thu này đã đóng.")
    expected = shift.opening_float + await drawer(session, shift_id)
    difference = command.counted - expected
    if difference and len(command.reason.strip()) < 3:
        raise DifferenceNeedsReason("Tiền đếm được lệch với sổ. Hãy ghi lý do chênh lệch.", field="reason")
    shift.counted, shift.expected, shift.difference = command.counted, expected, difference
    shift.reason, shift.closed_at = command.reason.strip(), now
    await session.flush()
    # The shift first, then accounts: the order in which cash is taken.
    codes = await cancel_at(session, shift.counter, reason="Quầy đóng ca.", actor=actor, now=now)
    detail = {"counter": shift.counter, "difference": difference, "codes_cancelled": codes}
    await record(
        session,
        Entry(Action.CHANGE, f"billing.shift:{shift.id}", reason=shift.reason or None, detail=detail),
        actor,
    )
    return convert(shift, ShiftView, from_attributes=True)
