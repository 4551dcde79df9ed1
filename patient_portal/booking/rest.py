"""Booking over REST: free slots, book, move, cancel."""

from datetime import date
from uuid import UUID

from litestar import Controller, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.refusals import refusals
from kernel.staff.api import Role, needs
from patient_portal.accounts.guards import patient_signed_in, provide_patient
from patient_portal.accounts.service import Patient
from patient_portal.booking.service import (
    Book,
    BookingView,
    book_once,
    bookings_of,
    cancel_booking,
    move_booking,
    own_booking,
)
from patient_portal.booking.slots import (
    BookableDepartment,
    DayView,
    OpenSchedule,
    SlotView,
    bookable_departments,
    close_schedule,
    free_days,
    open_schedule,
    slots_of_day,
)
from patient_portal.settings import PortalSettings


class SchedulesOpened(Struct, frozen=True):
    slots: int


class ScheduleClosed(Struct, frozen=True):
    standing_bookings: list[UUID]


class SlotController(Controller):
    """What can be booked; open to everybody, since it names no patient."""

    path = "/api/portal"
    opt = {"public": True}

    @get("/departments", operation_id="listBookableDepartments")
    async def departments(
        self, session: NamedDependency[AsyncSession], portal_settings: NamedDependency[PortalSettings]
    ) -> list[BookableDepartment]:
        """List departments with free seats."""
        return await bookable_departments(
            session, now=utc_now(), days_ahead=portal_settings.booking_days_ahead
        )

    @get("/days", operation_id="listBookableDays")
    async def days(
        self,
        department: FromQuery[str],
        session: NamedDependency[AsyncSession],
        portal_settings: NamedDependency[PortalSettings],
    ) -> list[DayView]:
        """List the days of a department with free seats."""
        return await free_days(
            session, department, now=utc_now(), days_ahead=portal_settings.booking_days_ahead
        )

    @get("/slots", operation_id="listSlots")
    async def slots(
        self, department: FromQuery[str], day: FromQuery[date], session: NamedDependency[AsyncSession]
    ) -> list[SlotView]:
        """List the slots of a day with free seats."""
        return await slots_of_day(session, department, day, now=utc_now())


class BookingController(Controller):
    path = "/api/portal/bookings"
    guards = [patient_signed_in]
    dependencies = {"patient": Provide(provide_patient)}

    @get(operation_id="listBookings", responses=refusals(401))
    async def listing(
        self, patient: NamedDependency[Patient], session: NamedDependency[AsyncSession]
    ) -> list[BookingView]:
        """List the patient's coming bookings."""
        return await bookings_of(session, patient.patient_id, since=utc_now())

    @post(operation_id="bookSlot", responses=refusals(401, 404, 409, 422))
    async def take(
        self,
        data: JSONBody[Book],
        patient: NamedDependency[Patient],
        sessions: NamedDependency[Sessions],
    ) -> BookingView:
        """Book a seat (đặt lịch khám); a full slot answers 409 with `free_slots`, the nearest free ones."""
        return await book_once(
            sessions, data, patient_id=patient.patient_id, actor=patient.actor, now=utc_now()
        )

    @get("/{booking_id:uuid}", operation_id="getBooking", responses=refusals(401, 404))
    async def one(
        self,
        booking_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
    ) -> BookingView:
        """Show a booking."""
        return await own_booking(session, booking_id, patient_id=patient.patient_id)

    @post("/{booking_id:uuid}/cancellation", operation_id="cancelBooking", responses=refusals(401, 404, 409))
    async def cancel(
        self,
        booking_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        portal_settings: NamedDependency[PortalSettings],
    ) -> BookingView:
        """Give the seat back (huỷ lịch)."""
        return await cancel_booking(
            session,
            booking_id,
            patient_id=patient.patient_id,
            actor=patient.actor,
            now=utc_now(),
            notice_minutes=portal_settings.change_notice_minutes,
        )

    @post("/{booking_id:uuid}/move", operation_id="moveBooking", responses=refusals(401, 404, 409, 422))
    async def move(
        self,
        booking_id: FromPath[UUID],
        data: JSONBody[Book],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        portal_settings: NamedDependency[PortalSettings],
    ) -> BookingView:
        """Change the hour (đổi lịch): the old seat goes back only if the new one is taken."""
        return await move_booking(
            session,
            booking_id,
            data,
            patient_id=patient.patient_id,
            actor=patient.actor,
            now=utc_now(),
            notice_minutes=portal_settings.change_notice_minutes,
        )


class ScheduleController(Controller):
    """Hours of practitioners, kept by the head of department or the administrator."""

    path = "/api/portal/schedules"
    guards = [needs(Role.HEAD, Role.ADMIN)]

    @post(operation_id="openSchedule", responses=refusals(401, 403, 409, 422))
    async def open(
        self, data: JSONBody[OpenSchedule], session: NamedDependency[AsyncSession]
    ) -> SchedulesOpened:
        """Open a practitioner's hours for booking."""
        return SchedulesOpened(await open_schedule(session, data, now=utc_now()))

    @post("/{schedule_id:uuid}/closing", operation_id="closeSchedule", responses=refusals(401, 403, 404))
    async def close(
        self, schedule_id: FromPath[UUID], session: NamedDependency[AsyncSession]
    ) -> ScheduleClosed:
        """Take no more bookings; the answer names bookings whose patients must be told."""
        return ScheduleClosed(await close_schedule(session, schedule_id, now=utc_now()))
