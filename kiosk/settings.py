"""Settings of kiosk, read from HOSPITAL_KIOSK_* by hospital."""

from msgspec import Struct


class KioskSettings(Struct, frozen=True):
    """Defaults are the safe values."""

    pairing_minutes: int = 15
    blank_seconds: int = 15
    """A screen nobody touches goes back to the start, so that the next person sees nothing."""
    register_new_patients: bool = True
    """A card that is not on file opens a record; off sends the person to the desk."""
    arrive_early_minutes: int = 120
    arrive_late_minutes: int = 60
    print_tickets: bool = False
    """Call the browser's print after a ticket (a kiosk browser prints silently)."""
