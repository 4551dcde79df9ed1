"""Use cases of booking: open and close schedules, find free slots, book, cancel, move, arrive."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, cast
from uuid import UUID

from msgspec import Meta, Struct
from sqlalchemy import (
    FromClause,
    Select,
    Table,
    Uuid,
    and_,
    bindparam,
    exists,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.audit.api import Action, Entry, audit_values, audited, record
from kernel.clock import Instant
from kernel.db import Sessions
from kernel.problems import Conflict, NotFound, Refused
from kernel.staff.api import Actor
from kernel.statements import Statement
from patient_portal.booking.models import Booking, Schedule, Slot
from patient_portal.booking.rules import BookingState, booking_code, still_changeable
from patient_portal.booking.slots import nearest_free_slots

Reason = Annotated[str, Meta(max_length=300, description="What the visit is for, in the patient's words.")]


class Book(Struct, frozen=True, forbid_unknown_fields=True):
    id: UUID  # Made by the client and kept across retries: it is the idempotency key.
    slot_id: UUID
    reason: Reason = ""


class BookingView(Struct, frozen=True):
    id: UUID
    code: str
    """Mã vào khám, shown as a QR."""
    state: BookingState
    patient_id: UUID
    slot_id: UUID
    department: str
    department_name: str
    room: str
    room_name: str
    practitioner_name: str
    service_code: str
    starts_at: Instant
    ends_at: Instant
    reason: str
    booked_at: Instant
    visit_id: UUID | None


class NoSuchSlot(NotFound):
    slug = "no-such-slot"


class NoSuchBooking(NotFound):
    slug = "no-such-booking"


class SlotPast(Refused):
    slug = "slot-past"


class SlotFull(Conflict):
    """Nobody else fits in; `free_slots` in the problem names the nearest ones that are free."""

    slug = "slot-full"


class AlreadyBooked(Conflict):
    slug = "already-booked"


class BookingIdReused(Conflict):
    slug = "booking-id-reused"


class BookingNotOpen(Conflict):
    slug = "booking-not-open"


class TooLateToChange(Conflict):
    slug = "too-late-to-change"


_B = cast(Table, Booking.__table__).c
_S = cast(Table, Slot.__table__).c
_HELD = and_(
    _B.patient_id == bindparam("given_patient_id", type_=Uuid()),
    _B.day == _S.day,
    _B.department == _S.department,
    _B.state != BookingState.CANCELLED.value,
)
_SEAT = (
    update(_S.id.table)
    .where(
        _S.id == bindparam("given_slot_id", type_=Uuid()),
        _S.taken < _S.capacity,
        _S.closed.is_(False),
        _S.starts_at > bindparam("given_now", type_=_S.starts_at.type),
        ~exists().where(_B.id == bindparam("given_id", type_=Uuid())).correlate(None),
        ~exists().where(_HELD).correlate(_S.id.table),
    )
    .values(taken=_S.taken + 1)
    .returning(_S.id.label("slot_id"), _S.department, _S.day)
    .cte("seat")
)
_GIVEN = ("id", "code", "patient_id", "account_id", "reason", "moved_from")
# Parameters are named given_… because SQLAlchemy takes a plain "id" for a column of the UPDATE.
# One statement, one round trip: the seat is taken and the booking written, or neither.
_MADE = (
    insert(_B.id.table)
    .from_select(
        [*_GIVEN, "slot_id", "department", "day", "state", "booked_at"],
        select(
            *(bindparam(f"given_{name}", type_=_B[name].type) for name in _GIVEN),
            _SEAT.c.slot_id,
            _SEAT.c.department,
            _SEAT.c.day,
            literal(BookingState.BOOKED.value),
            bindparam("given_now", type_=_B.booked_at.type),
        ),
        include_defaults=False,
    )
    .returning(*_B)
    .cte("made")
)


def _view_of(booking: FromClause) -> Select[Any]:
    """Return a query of views over a table of bookings, or over what a statement just wrote."""
    schedule = cast(Table, Schedule.__table__).c
    own = ("id", "code", "state", "patient_id", "slot_id", "department", "reason", "booked_at", "visit_id")
    theirs = ("department_name", "room", "room_name", "practitioner_name", "service_code")
    return select(
        *(booking.c[name] for name in own),
        *(schedule[name] for name in theirs),
        _S.starts_at,
        _S.ends_at,
    ).select_from(
        booking.join(_S.id.table, _S.id == booking.c.slot_id).join(
            schedule.id.table, schedule.id == _S.schedule_id
        )
    )


_TAKE_SEAT = Statement(_view_of(_MADE).add_cte(audited(_MADE)))
_VIEW = _view_of(_B.id.table)
# Why no seat was taken, in one look at the slot.
_WHY = Statement(
    select(
        _S.department,
        _S.starts_at,
        _S.closed,
        (_S.taken < _S.capacity).label("free"),
        exists().where(_HELD).correlate(_S.id.table).label("held"),
        exists().where(_B.id == bindparam("given_id", type_=Uuid())).correlate(None).label("known"),
    ).where(_S.id == bindparam("given_slot_id", type_=Uuid()))
)


def _view(row: Mapping[str, Any]) -> BookingView:
    return BookingView(**{**row, "state": BookingState(row["state"])})


async def find_booking(session: AsyncSession, booking_id: UUID) -> BookingView | None:
    row = (await session.execute(_VIEW.where(_B.id == booking_id))).mappings().first()
    return _view(row) if row else None


async def booking_of_code(session: AsyncSession, code: str) -> BookingView | None:
    row = (await session.execute(_VIEW.where(_B.code == code))).mappings().first()
    return _view(row) if row else None


async def own_booking(session: AsyncSession, booking_id: UUID, *, patient_id: UUID) -> BookingView:
    """Return a booking of this patient. Raises NoSuchBooking, also for somebody else's."""
    view = await find_booking(session, booking_id)
    if view is None or view.patient_id != patient_id:
        raise NoSuchBooking("Không tìm thấy lịch hẹn này.")
    return view


async def bookings_of(
    session: AsyncSession, patient_id: UUID, *, since: Instant, until: Instant | None = None
) -> list[BookingView]:
    """Return the bookings from a moment on, soonest first; cancelled ones are left out."""
    query = _VIEW.where(
        _B.patient_id == patient_id, _B.state != BookingState.CANCELLED.value, _S.starts_at >= since
    )
    if until is not None:
        query = query.where(_S.starts_at < until)
    rows = (await session.execute(query.order_by(_S.starts_at).limit(50))).mappings()
    return [_view(row) for row in rows]


async def book(
    session: AsyncSession,
    command: Book,
    *,
    patient_id: UUID,
    actor: Actor,
    now: Instant,
    moved_from: UUID | None = None,
    alone: bool = False,
) -> BookingView:
    """Take a seat in a slot; the same command again returns the first result.

    `alone`: the session does nothing else, so it is committed at once, in one trip to the database.

    Raises NoSuchSlot, SlotPast, SlotFull with the nearest free slots, AlreadyBooked (one booking a person,
    day and department), BookingIdReused. Two equal commands at the same moment make the database raise
    IntegrityError: `book_once` repeats the transaction then.
    """
    values = {
        "given_id": command.id,
        "given_code": booking_code(),
        "given_slot_id": command.slot_id,
        "given_patient_id": patient_id,
        "given_account_id": actor.id,
        "given_reason": command.reason,
        "given_moved_from": moved_from,
        "given_now": now,
    } | audit_values(_entry(Action.CREATE, command.id, patient_id), actor)
    take = _TAKE_SEAT.alone if alone else _TAKE_SEAT.first
    for _ in range(3):  # A seat given back between statement and explanation is tried for again.
        if made := await take(session, **values):
            return _view(made)
        if earlier := await _explain(session, command, patient_id=patient_id, now=now):
            return earlier
    raise SlotFull("Khung giờ này đang có nhiều người đặt. Xin thử lại.", field="slot_id")


async def _explain(
    session: AsyncSession, command: Book, *, patient_id: UUID, now: Instant
) -> BookingView | None:
    """Say why no seat was taken: return the earlier result, raise the refusal, or None if a seat is free now."""
    given = {
        "given_id": command.id,
        "given_slot_id": command.slot_id,
        "given_patient_id": patient_id,
    }
    why = await _WHY.first(session, **given)
    if (why is None or why["known"]) and (earlier := await find_booking(session, command.id)):
        if (earlier.slot_id, earlier.patient_id, earlier.reason) != (
            command.slot_id,
            patient_id,
            command.reason,
        ):
            raise BookingIdReused("Mã yêu cầu này đã dùng cho một lịch hẹn khác.")
        return earlier
    if why is None or why["closed"]:
        raise NoSuchSlot("Khung giờ này không còn nhận đặt lịch. Xin chọn giờ khác.", field="slot_id")
    if why["starts_at"] <= now:
        raise SlotPast("Khung giờ này đã qua. Xin chọn giờ khác.", field="slot_id")
    if why["held"]:
        raise AlreadyBooked(
            "Quý vị đã có lịch khám ở khoa này trong ngày đó. Hãy đổi giờ của lịch đã đặt.", field="slot_id"
        )
    if why["free"]:
        return None
    free = await nearest_free_slots(session, why["department"], why["starts_at"], now=now)
    detail = "Khung giờ này vừa hết chỗ."
    detail += " Xin chọn một trong các giờ gần nhất còn chỗ." if free else " Khoa này chưa còn giờ trống."
    raise SlotFull(detail, field="slot_id", extra={"free_slots": free})


async def book_once(
    sessions: Sessions, command: Book, *, patient_id: UUID, actor: Actor, now: Instant
) -> BookingView:
    """Book in a transaction of its own, once more if an equal command or another booking won the race."""
    for attempt in (1, 2):
        try:
            async with sessions.begin() as session:
                return await book(session, command, patient_id=patient_id, actor=actor, now=now, alone=True)
        except IntegrityError:
            if attempt == 2:
                raise
    raise AssertionError("unreachable")


async def _lock_slots(session: AsyncSession, *slot_ids: UUID) -> None:
    """Lock slots in one order everywhere, before any booking row: two people who move can't block each other."""
    await session.execute(
        select(Slot.id).where(Slot.id.in_(slot_ids)).order_by(Slot.id).with_for_update(of=Slot)
    )


async def _release(session: AsyncSession, view: BookingView, *, now: Instant, notice_minutes: int) -> None:
    if not still_changeable(view.starts_at, now=now, notice_minutes=notice_minutes):
        raise TooLateToChange("Đã quá giờ đổi hoặc huỷ trên mạng. Xin gọi tổng đài của bệnh viện.")
    moved = await session.scalar(
        update(Booking)
        .where(Booking.id == view.id, Booking.state == BookingState.BOOKED)
        .values(state=BookingState.CANCELLED, cancelled_at=now)
        .returning(Booking.slot_id)
    )
    if moved is None:
        raise BookingNotOpen("Lịch hẹn này đã huỷ hoặc đã vào khám, không đổi được nữa.")
    await session.execute(update(Slot).where(Slot.id == moved).values(taken=Slot.taken - 1))


async def cancel_booking(
    session: AsyncSession,
    booking_id: UUID,
    *,
    patient_id: UUID,
    actor: Actor,
    now: Instant,
    notice_minutes: int = 0,
) -> BookingView:
    """Give the seat back. Raises NoSuchBooking, BookingNotOpen, TooLateToChange."""
    view = await own_booking(session, booking_id, patient_id=patient_id)
    await _lock_slots(session, view.slot_id)
    await _release(session, view, now=now, notice_minutes=notice_minutes)
    await _note(session, Action.VOID, booking_id, patient_id, actor)
    return await own_booking(session, booking_id, patient_id=patient_id)


async def move_booking(
    session: AsyncSession,
    booking_id: UUID,
    command: Book,
    *,
    patient_id: UUID,
    actor: Actor,
    now: Instant,
    notice_minutes: int = 0,
) -> BookingView:
    """Change the hour: the old seat goes back only if the new one is taken. Raises as book and cancel do."""
    if earlier := await find_booking(session, command.id):
        if (earlier.patient_id, earlier.slot_id) != (patient_id, command.slot_id):
            raise BookingIdReused("Mã yêu cầu này đã dùng cho một lịch hẹn khác.")
        return earlier
    view = await own_booking(session, booking_id, patient_id=patient_id)
    await _lock_slots(session, view.slot_id, command.slot_id)
    await _release(session, view, now=now, notice_minutes=notice_minutes)
    return await book(session, command, patient_id=patient_id, actor=actor, now=now, moved_from=booking_id)


async def arrive(session: AsyncSession, booking_id: UUID, *, visit_id: UUID, actor: Actor) -> None:
    """Tie the booking to the visit that was opened for it. Raises BookingNotOpen."""
    patient_id = await session.scalar(
        update(Booking)
        .where(Booking.id == booking_id, Booking.state == BookingState.BOOKED)
        .values(state=BookingState.ARRIVED, visit_id=visit_id)
        .returning(Booking.patient_id)
    )
    if patient_id is None:
        raise BookingNotOpen("Lịch hẹn này đã huỷ hoặc đã dùng.")
    await _note(session, Action.CHANGE, booking_id, patient_id, actor)


async def _note(
    session: AsyncSession, action: Action, booking_id: UUID, patient_id: UUID, actor: Actor
) -> None:
    await record(session, _entry(action, booking_id, patient_id), actor)


def _entry(action: Action, booking_id: UUID, patient_id: UUID) -> Entry:
    return Entry(action=action, subject=f"portal.booking:{booking_id}", patient_id=patient_id)


async def next_booking(session: AsyncSession, patient_id: UUID, *, now: Instant) -> BookingView | None:
    """Return the next open booking; one that began within the last hour still counts."""
    upcoming = await bookings_of(session, patient_id, since=now - timedelta(hours=1))
    return next((view for view in upcoming if view.state is BookingState.BOOKED), None)
