"""Settings of emr, read from HOSPITAL_EMR_* by hospital."""

from msgspec import Struct


class EmrSettings(Struct, frozen=True):
    """Defaults are the safe values."""
