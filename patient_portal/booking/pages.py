"""Booking pages: department, day, hour, reason, check the answers, done. One question a page."""

from datetime import date
from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Template
from msgspec import ValidationError, convert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.problems import Problem
from kernel.text import clean_line
from patient_portal.accounts.guards import PatientNotSignedIn, patient_signed_in, provide_patient
from patient_portal.accounts.pages import to_sign_in
from patient_portal.accounts.service import Patient
from patient_portal.booking.qr import qr_svg
from patient_portal.booking.rules import BookingState, days_until, still_changeable
from patient_portal.booking.service import (
    Book,
    BookingView,
    NoSuchSlot,
    SlotFull,
    book_once,
    cancel_booking,
    move_booking,
    own_booking,
)
from patient_portal.booking.slots import (
    BookableDepartment,
    bookable_departments,
    find_slot,
    free_days,
    slots_of_day,
)
from patient_portal.settings import PortalSettings
from patient_portal.words import local_moment, weekday_day

Form = URLEncodedBody[dict[str, str]]
FOLDER = "patient_portal/booking"


async def _department(
    session: AsyncSession, code: str, settings: PortalSettings
) -> BookableDepartment | None:
    found = await bookable_departments(session, now=utc_now(), days_ahead=settings.booking_days_ahead)
    return next((department for department in found if department.code == code), None)


class BookingPages(Controller):
    path = "/portal"
    include_in_schema = False
    guards = (patient_signed_in,)
    exception_handlers = {PatientNotSignedIn: to_sign_in}
    dependencies = {"patient": Provide(provide_patient)}

    @get("/booking")
    async def departments(
        self, session: NamedDependency[AsyncSession], portal_settings: NamedDependency[PortalSettings]
    ) -> Template:
        """Which department?"""
        found = await bookable_departments(
            session, now=utc_now(), days_ahead=portal_settings.booking_days_ahead
        )
        return Template(f"{FOLDER}/departments.html", context={"departments": found, "say": weekday_day})

    @get("/booking/{department:str}")
    async def days(
        self,
        department: FromPath[str],
        session: NamedDependency[AsyncSession],
        portal_settings: NamedDependency[PortalSettings],
        move: FromQuery[UUID | None] = None,
    ) -> Response[Any]:
        """Which day?"""
        found = await _department(session, department, portal_settings)
        if found is None:
            return Redirect("/portal/booking", status_code=303)
        days = await free_days(
            session, department, now=utc_now(), days_ahead=portal_settings.booking_days_ahead
        )
        context = {"department": found, "days": days, "move": move, "say": weekday_day}
        return Template(f"{FOLDER}/days.html", context=context)

    @get("/booking/{department:str}/{day:date}")
    async def slots(
        self,
        department: FromPath[str],
        day: FromPath[date],
        session: NamedDependency[AsyncSession],
        move: FromQuery[UUID | None] = None,
    ) -> Response[Any]:
        """Which hour?"""
        slots = await slots_of_day(session, department, day, now=utc_now())
        if not slots:
            return Redirect(f"/portal/booking/{department}", status_code=303)
        context = {"slots": slots, "day": day, "department": department, "move": move, "say": weekday_day}
        return Template(f"{FOLDER}/slots.html", context=context)

    @get("/booking/slot/{slot_id:uuid}")
    async def reason(
        self,
        slot_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        move: FromQuery[UUID | None] = None,
    ) -> Template:
        """What for?"""
        slot = await find_slot(session, slot_id)
        if slot is None:
            raise NoSuchSlot("Khung giờ này không còn nhận đặt lịch.")
        earlier = await own_booking(session, move, patient_id=patient.patient_id) if move else None
        value = earlier.reason if earlier else ""
        context: dict[str, Any] = {"slot": slot, "move": move, "value": value, "errors": []}
        return Template(f"{FOLDER}/reason.html", context=context)

    @post("/booking/slot/{slot_id:uuid}", status_code=200)
    async def answers(
        self, slot_id: FromPath[UUID], data: Form, session: NamedDependency[AsyncSession]
    ) -> Template:
        """Show the answers before anything is booked. What is written stays out of the address."""
        slot = await find_slot(session, slot_id)
        if slot is None:
            raise NoSuchSlot("Khung giờ này không còn nhận đặt lịch.")
        move = data.get("move", "")
        try:
            reason = clean_line(data.get("reason", ""))
            if len(reason) > 300:
                raise ValueError(reason)
        except ValueError:
            errors = [("reason", "Viết ngắn hơn 300 chữ, không có ký tự lạ.")]
            again = {"slot": slot, "move": move or None, "value": data.get("reason", ""), "errors": errors}
            return Template(f"{FOLDER}/reason.html", context=again, status_code=422)
        context = {"slot": slot, "reason": reason, "move": move, "id": new_id(), "say": weekday_day}
        return Template(f"{FOLDER}/answers.html", context=context)

    @post("/bookings")
    async def book(
        self,
        data: Form,
        patient: NamedDependency[Patient],
        sessions: NamedDependency[Sessions],
        portal_settings: NamedDependency[PortalSettings],
    ) -> Response[Any]:
        """Book, or move a booking, and say what happens next."""
        data.pop("_csrf_token", None)
        moved = data.pop("move", "")
        try:
            command = convert(data, Book, strict=False)
            old = UUID(moved) if moved else None
        except (ValidationError, ValueError):
            return Redirect("/portal/booking", status_code=303)
        try:
            await _book(sessions, command, old, patient=patient, settings=portal_settings)
        except SlotFull as full:
            context = {
                "detail": full.detail,
                "slots": full.extra.get("free_slots", []),
                "move": old,
                "say": weekday_day,
            }
            return Template(f"{FOLDER}/full.html", context=context, status_code=409)
        except Problem as problem:
            context = {"problem": problem.detail}
            return Template(f"{FOLDER}/refused.html", context=context, status_code=problem.status)
        return Redirect(f"/portal/bookings/{command.id}?done=true", status_code=303)

    @get("/bookings/{booking_id:uuid}")
    async def one(
        self,
        booking_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
        portal_settings: NamedDependency[PortalSettings],
        done: FromQuery[bool] = False,
    ) -> Template:
        """Show a booking with the code for the kiosk."""
        view = await own_booking(session, booking_id, patient_id=patient.patient_id)
        return Template(f"{FOLDER}/booking.html", context=_booking_context(view, portal_settings, done=done))

    @get("/bookings/{booking_id:uuid}/cancellation")
    async def ask_cancel(
        self,
        booking_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        session: NamedDependency[AsyncSession],
    ) -> Template:
        """Are you sure?"""
        view = await own_booking(session, booking_id, patient_id=patient.patient_id)
        return Template(f"{FOLDER}/cancel.html", context={"booking": view, "say": weekday_day})

    @post("/bookings/{booking_id:uuid}/cancellation")
    async def cancel(
        self,
        booking_id: FromPath[UUID],
        patient: NamedDependency[Patient],
        sessions: NamedDependency[Sessions],
        portal_settings: NamedDependency[PortalSettings],
    ) -> Response[Any]:
        """Give the seat back."""
        try:
            async with sessions.begin() as session:
                await cancel_booking(
                    session,
                    booking_id,
                    patient_id=patient.patient_id,
                    actor=patient.actor,
                    now=utc_now(),
                    notice_minutes=portal_settings.change_notice_minutes,
                )
        except Problem as problem:
            context = {"problem": problem.detail}
            return Template(f"{FOLDER}/refused.html", context=context, status_code=problem.status)
        return Redirect(f"/portal/bookings/{booking_id}", status_code=303)


async def _book(
    sessions: Sessions, command: Book, old: UUID | None, *, patient: Patient, settings: PortalSettings
) -> None:
    if old is None:
        await book_once(sessions, command, patient_id=patient.patient_id, actor=patient.actor, now=utc_now())
        return
    async with sessions.begin() as session:
        await move_booking(
            session,
            old,
            command,
            patient_id=patient.patient_id,
            actor=patient.actor,
            now=utc_now(),
            notice_minutes=settings.change_notice_minutes,
        )


def _booking_context(view: BookingView, settings: PortalSettings, *, done: bool) -> dict[str, Any]:
    now = utc_now()
    open_ = view.state is BookingState.BOOKED
    changeable = still_changeable(view.starts_at, now=now, notice_minutes=settings.change_notice_minutes)
    return {
        "booking": view,
        "done": done,
        "open": open_,
        "changeable": open_ and changeable,
        "early": settings.arrive_early_minutes,
        "qr": qr_svg(view.code) if open_ else "",
        "say": weekday_day,
        "until": days_until(local_moment(view.starts_at), local_moment(now)),
        "place": "visits",
    }
