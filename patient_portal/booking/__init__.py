"""Booking a visit: schedules, slots with a capacity, bookings (đặt lịch khám)."""
