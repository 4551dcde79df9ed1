"""Settings of patients' and relatives' signing, part of HOSPITAL_SIGNING_*."""

from pathlib import Path

from msgspec import Struct


class PeopleSettings(Struct, frozen=True):
    """Defaults are the safe values: what is not set up is not offered."""

    people_methods: tuple[str, ...] = ("DRAWN", "FINGERPRINT", "OTP")
    """Ways offered at the tablet, in this order, each only where it is set up. NATIONAL_ID has to be named to be offered:
    no source confirms the service's terms for hospitals."""
    people_written_kinds: tuple[str, ...] = ("01-BV2", "48-BV2", "49-BV2")
    """Consents that the law wants written and signed (NĐ 90/2026 Đ40 k5 a): a one-time code alone is not offered."""
    people_adult_years: int = 18
    """Below it a representative signs (Luật KCB Đ8; Bộ luật Dân sự Đ20)."""
    people_sitting_minutes: int = 30
    people_link_minutes: int = 10
    """How long a link may wait for the tablet that opens it."""
    people_tablet_per_minute: int = 60
    """Requests of codes and links per address."""
    people_ink_key_file: Path | None = None
    """PEM of the P-256 public key that timing of drawn signatures is encrypted to; without it nothing is drawn."""
    people_ink_points: int = 12
    people_ink_length: float = 0.15
    """Least length of a drawn signature, as a share of the canvas's width."""
    people_ink_milliseconds: int = 300
    people_reader_url: str = ""
    """Service of the fingerprint readers; empty: not offered."""
    people_reader_key: str = ""
    people_reader_timeout_seconds: float = 20.0
    people_reader_score: int = 60
    people_reader_quality: int = 40
    """A match below these is none. The readers' own scale is 0 to 100."""
    people_sms_url: str = ""
    people_sms_key: str = ""
    people_sms_timeout_seconds: float = 10.0
    people_code_minutes: int = 5
    people_code_tries: int = 3
    people_codes_per_sitting: int = 4
    people_phone_days: int = 365
    """How long a proven phone counts as proven."""
    people_identity_url: str = ""
    """National identity service (VNeID); empty: not offered."""
    people_identity_key: str = ""
    people_identity_timeout_seconds: float = 90.0
    people_author_may_witness: bool = False
    """Whether who made the document may witness that it was not signed."""
    people_scan_bytes_maximum: int = 10_000_000
