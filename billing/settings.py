"""Settings of billing, read from HOSPITAL_BILLING_* by hospital."""

from pathlib import Path

from msgspec import Struct

from billing.invoices.rules import Kind, Mode, Policy


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
    default_route_code: str = ""
    """MA_DOITUONG_KCB for a card whose route reception left open; empty computes no bill until it is chosen."""
    refund_cash_cap: int = 0
    """Up to this many đồng a transfer may be given back in cash; 0 never."""
    lowest_card_level: int = 4
    """Benefit level when only the 10-digit BHXH code is known: 4 is 80 %, the lowest."""
    unknown_reference_seconds: int = 60
    """A notice may come before its request is committed: how long it is tried again."""

    invoice_policy: Policy = Policy.DAILY_AGGREGATE
    """Who did not ask for an invoice: one for all at the end of the day, or one each."""
    invoice_kind: Kind = Kind.VAT
    """1 with KCT lines (credit method) or 2 (direct method): ask the accountant."""
    invoice_mode: Mode = Mode.CQT_CODE
    invoice_symbol_suffix: str = "YY"
    """The two letters of KHHDon that the seller chooses."""
    invoice_provider_url: str = ""
    """Empty: invoices are signed and wait; nothing is sent."""
    invoice_provider_token: str = ""
    invoice_provider_name: str = "nhà cung cấp"
    invoice_provider_tax_code: str = ""
    """MSTTCGP; empty: our own."""
    invoice_timeout_seconds: float = 30.0
    invoice_qr_guid: str = "00000000000000000000000000000000"
    """Object 99-00 of DLQRCode; its value is unconfirmed."""
    invoice_authority_file: Path | None = None
    """PEM with the certificates of the tax authority we believe; without it no coded invoice is accepted."""
