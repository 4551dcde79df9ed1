"""Settings of signing, read from HOSPITAL_SIGNING_* by hospital."""

from msgspec import Struct


class SigningSettings(Struct, frozen=True):
    """Defaults are the safe values."""
