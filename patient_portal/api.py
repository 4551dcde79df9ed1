"""What other packages may use of patient_portal."""

from patient_portal.booking.rules import BookingState, read_booking_code
from patient_portal.booking.service import (
    Book,
    BookingView,
    arrive,
    book,
    booking_of_code,
    bookings_of,
    find_booking,
)
from patient_portal.booking.slots import OpenSchedule, close_schedule, nearest_free_slots, open_schedule

__all__ = [
    "Book",
    "BookingState",
    "BookingView",
    "OpenSchedule",
    "arrive",
    "book",
    "booking_of_code",
    "bookings_of",
    "close_schedule",
    "find_booking",
    "nearest_free_slots",
    "open_schedule",
    "read_booking_code",
]
