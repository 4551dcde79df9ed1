"""What other packages may use of kiosk."""

from kiosk.checkin.bookings import Bookings, KioskBooking
from kiosk.checkin.service import ArrivalView, CheckIn, Scan, Slip

__all__ = ["ArrivalView", "Bookings", "CheckIn", "KioskBooking", "Scan", "Slip"]
