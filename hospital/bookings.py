"""Bookings of the portal as the lobby machines need them: kiosk and patient_portal don't know each other."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.staff.api import Actor
from kiosk.api import KioskBooking
from patient_portal import api as portal


def _seen(view: portal.BookingView) -> KioskBooking:
    return KioskBooking(
        id=view.id,
        patient_id=view.patient_id,
        department_name=view.department_name,
        room=view.room,
        room_name=view.room_name,
        practitioner_name=view.practitioner_name,
        service_code=view.service_code,
        reason=view.reason,
        starts_at=view.starts_at,
        open=view.state is portal.BookingState.BOOKED,
        visit_id=view.visit_id,
    )


class PortalBookings:
    """Implements kiosk's Bookings with the portal's functions."""

    def is_code(self, text: str) -> bool:
        return portal.read_booking_code(text) is not None

    async def by_code(self, session: AsyncSession, text: str) -> KioskBooking | None:
        code = portal.read_booking_code(text)
        view = await portal.booking_of_code(session, code) if code else None
        return _seen(view) if view else None

    async def by_id(self, session: AsyncSession, booking_id: UUID) -> KioskBooking | None:
        view = await portal.find_booking(session, booking_id)
        return _seen(view) if view else None

    async def near(
        self, session: AsyncSession, patient_id: UUID, *, since: Instant, until: Instant
    ) -> list[KioskBooking]:
        return [
            _seen(view) for view in await portal.bookings_of(session, patient_id, since=since, until=until)
        ]

    async def arrive(self, session: AsyncSession, booking_id: UUID, *, visit_id: UUID, actor: Actor) -> None:
        await portal.arrive(session, booking_id, visit_id=visit_id, actor=actor)


async def provide_bookings() -> PortalBookings:
    return PortalBookings()
