"""Settings of patient_portal, read from HOSPITAL_PORTAL_* by hospital."""

from msgspec import Struct


class PortalSettings(Struct, frozen=True):
    """Defaults are the safe values."""

    sms_url: str = ""
    """Where the SMS gateway takes messages; empty: no codes are sent and nobody can sign in."""
    sms_key: str = ""
    sms_timeout_seconds: float = 10.0
    code_minutes: int = 5
    code_tries: int = 5
    codes_per_phone_hour: int = 4
    codes_per_phone_day: int = 10
    codes_per_ip_hour: int = 30
    """A ward behind one address must still get in; a guesser must not."""
    device_days: int = 90
    session_idle_minutes: int = 30
    session_hours: int = 12
    booking_days_ahead: int = 30
    change_notice_minutes: int = 60
    """Until so long before the start a booking may be cancelled or moved at home."""
    arrive_early_minutes: int = 120
    """So long before the hour the kiosk lets in; told on the booking's page, set the kiosk's alike."""
    full_record_from_age: int = 18
    """Below it somebody else holds the phone; they get the summary kinds only (Luật KCB Đ69 k4 đ)."""
    summary_kinds: tuple[str, ...] = ("GRV", "PHK", "DT-C", "billing.receipt", "billing.bill")
    telehealth_services: tuple[str, ...] = ()
    """Service codes whose telehealth conditions were declared (NĐ 96/2023 Đ87 k1-k3); empty: no requests."""
    telehealth_price: int = 0
    """Agreed price in đồng of a session direct to the patient (Đ87 k10); 0: not set, no requests."""
