"""Settings of billing, read from HOSPITAL_BILLING_* by hospital."""

from msgspec import Struct


class BillingSettings(Struct, frozen=True):
    """Defaults are the safe values."""
