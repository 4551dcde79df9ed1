"""What other packages may use of patient_portal."""

from patient_portal.booking.rules import BookingState, read_booking_code
from patient_portal.booking.service import BookingView, arrive, booking_of_code, bookings_of, find_booking
from patient_portal.booking.slots import OpenSchedule, close_schedule, open_schedule

__all__ = [
    "BookingState",
    "BookingView",
    "OpenSchedule",
    "arrive",
    "booking_of_code",
    "bookings_of",
    "close_schedule",
    "find_booking",
    "open_schedule",
    "read_booking_code",
]
