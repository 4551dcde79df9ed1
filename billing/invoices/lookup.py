"""The lookup QR of an invoice (DLQRCode): EMV fields in one line of text."""

from billing.invoices.content import Numbered

_LONGEST = 512


def lookup_code(invoice: Numbered, *, total: int, guid: str) -> str:
    """Return DLQRCode, at most 512 characters. Its CRC variant is unconfirmed, so nobody may reject on it."""
    inner = "".join(
        (
            _field("00", guid),
            _field("01", invoice.content.seller.tax_code.replace("-", "")),
            _field("02", str(int(invoice.content.kind))),
            _field("03", invoice.symbol),
            _field("04", str(invoice.number)),
            _field("05", f"{invoice.issued_on:%Y%m%d}"),
            _field("06", str(total)),
        )
    )
    payload = _field("00", "01") + _field("99", inner) + "6304"
    code = payload + f"{crc16(payload.encode()):04X}"
    assert len(code) <= _LONGEST, "fits the format"
    return code


def crc16(data: bytes) -> int:
    """CRC-16/CCITT-FALSE."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def _field(tag: str, value: str) -> str:
    return f"{tag}{len(value):02d}{value}"
