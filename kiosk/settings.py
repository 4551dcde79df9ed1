"""Settings of kiosk, read from HOSPITAL_KIOSK_* by hospital."""

from msgspec import Struct


class KioskSettings(Struct, frozen=True):
    """Defaults are the safe values."""
