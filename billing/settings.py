"""Settings of billing, read from HOSPITAL_BILLING_* by hospital."""

from msgspec import Struct


class BillingSettings(Struct, frozen=True):
    """Defaults are the safe values: a gateway without a secret is refused, nobody pays in cash without a shift."""

    sepay_secret: str = ""
    """Shared secret of X-SePay-Signature; empty refuses every SePay notice."""
    casso_secret: str = ""
    payos_secret: str = ""
    counter_minutes: int = 15
    """How long a code at a counter stays shown; the code itself stays payable."""
    kiosk_minutes: int = 5
    portal_minutes: int = 24 * 60
    qr_merchant_code: str = "8062"
    """ISO 18245, hospitals; empty leaves it out if the bank objects."""
    default_route_code: str = "1.1"
    """MA_DOITUONG_KCB for a checked card without one."""
    lowest_card_level: int = 4
    """Benefit level when only the 10-digit BHXH code is known: 4 is 80 %, the lowest."""
    unknown_reference_seconds: int = 60
    """A notice may come before its request is committed: how long it is tried again."""
