"""Check-in over REST, for the machine alone."""

from uuid import UUID

from litestar import Controller, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.clock import utc_now
from kiosk.checkin.bookings import Bookings
from kiosk.checkin.desk import Desk
from kiosk.checkin.service import ArrivalView, CheckIn, Scan, Slip, check_in, identify
from kiosk.devices.guards import paired_for_check_in, provide_device
from kiosk.devices.service import PairedDevice
from kiosk.settings import KioskSettings


async def provide_desk(
    device: NamedDependency[PairedDevice],
    kiosk_settings: NamedDependency[KioskSettings],
    bookings: NamedDependency[Bookings],
) -> Desk:
    return Desk(device, kiosk_settings, bookings, utc_now())


DESK = {"device": Provide(provide_device), "desk": Provide(provide_desk)}


class CheckInController(Controller):
    path = "/api/kiosk/arrivals"
    guards = (paired_for_check_in,)
    dependencies = DESK

    @post(operation_id="identifyAtKiosk", opt={"exclude_from_csrf": True})
    async def identify(
        self, data: JSONBody[Scan], desk: NamedDependency[Desk], session: NamedDependency[AsyncSession]
    ) -> ArrivalView:
        """Say who was scanned, by a masked name, and what may be chosen."""
        return await identify(session, data, desk)

    @post("/{arrival_id:uuid}/visit", operation_id="checkInAtKiosk", opt={"exclude_from_csrf": True})
    async def check_in(
        self,
        arrival_id: FromPath[UUID],
        data: JSONBody[CheckIn],
        desk: NamedDependency[Desk],
        session: NamedDependency[AsyncSession],
    ) -> Slip:
        """Open the visit and return the ticket (số thứ tự)."""
        return await check_in(session, arrival_id, data, desk)
