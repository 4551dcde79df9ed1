"""Settings of patient_portal, read from HOSPITAL_PORTAL_* by hospital."""

from msgspec import Struct


class PortalSettings(Struct, frozen=True):
    """Defaults are the safe values."""
