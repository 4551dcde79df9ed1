"""What check-in needs to know of bookings. hospital supplies it, since kiosk and patient_portal are neighbours."""

from typing import Protocol, runtime_checkable
from uuid import UUID

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import Instant
from kernel.staff.api import Actor


class KioskBooking(Struct, frozen=True):
    """A seat that was booked, as the machine shows it."""

    id: UUID
    patient_id: UUID
    department_name: str
    room: str
    room_name: str
    practitioner_name: str
    service_code: str
    reason: str
    starts_at: Instant
    open: bool
    """Neither cancelled nor used."""
    visit_id: UUID | None


@runtime_checkable  # Litestar checks what it injects.
class Bookings(Protocol):
    def is_code(self, text: str) -> bool:
        """Tell whether a scanned text is a booking code."""

    async def by_code(self, session: AsyncSession, text: str) -> KioskBooking | None:
        """Return the booking of a code, in whatever state."""

    async def by_id(self, session: AsyncSession, booking_id: UUID) -> KioskBooking | None:
        """Return a booking."""

    async def near(
        self, session: AsyncSession, patient_id: UUID, *, since: Instant, until: Instant
    ) -> list[KioskBooking]:
        """Return a person's bookings that start within a time, soonest first."""

    async def arrive(self, session: AsyncSession, booking_id: UUID, *, visit_id: UUID, actor: Actor) -> None:
        """Tie the booking to the visit opened for it."""
