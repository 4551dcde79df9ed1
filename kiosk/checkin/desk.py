"""What every step of a check-in stands on: the machine, its settings, the bookings, the moment."""

from msgspec import Struct

from kernel.clock import Instant
from kiosk.checkin.bookings import Bookings
from kiosk.devices.service import PairedDevice
from kiosk.settings import KioskSettings


class Desk(Struct, frozen=True):
    device: PairedDevice
    settings: KioskSettings
    bookings: Bookings
    now: Instant
