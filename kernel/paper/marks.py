"""Codes for scanners, drawn as rectangles: QR and Code 128."""

from functools import lru_cache
from typing import Any

import zxingcpp

QUIET_MODULES = 4  # ISO/IEC 18004: four empty modules around a QR code.


@lru_cache(maxsize=256)
def qr(text: str, *, level: str = "M") -> tuple[int, str]:
    """Return (modules a side without the quiet zone, operators that draw it one point per module)."""
    rows = _bits(text, zxingcpp.BarcodeFormat.QRCode, ec_level=level)
    side = len(rows)
    return side, " ".join(
        f"{start} {side - 1 - y} {length} 1 re" for y, row in enumerate(rows) for start, length in _runs(row)
    ) + " f"


@lru_cache(maxsize=256)
def code128(text: str) -> tuple[int, str]:
    """Return (width in modules, operators that draw it one point high and one point per module).

    Raises ValueError if the text is not plain ASCII: a hand scanner would type something else.
    """
    if not text.isascii() or not text.isprintable() or not text:
        raise ValueError(text)
    row = _bits(text, zxingcpp.BarcodeFormat.Code128)[0]
    return len(row), " ".join(f"{start} 0 {length} 1 re" for start, length in _runs(row)) + " f"


def _bits(text: str, kind: zxingcpp.BarcodeFormat, **options: str) -> list[list[bool]]:
    barcode = zxingcpp.create_barcode(text, kind, **options)
    image: Any = zxingcpp.write_barcode_to_image(barcode, scale=1, add_quiet_zones=False)
    rows: Any = memoryview(image).tolist()  # The buffer protocol is missing in its stubs.
    return [[shade == 0 for shade in row] for row in rows]


def _runs(row: list[bool]) -> list[tuple[int, int]]:
    """Return (start, length) of each dark stretch."""
    runs, start = [], None
    for x, dark in enumerate([*row, False]):
        if dark and start is None:
            start = x
        elif not dark and start is not None:
            runs.append((start, x - start))
            start = None
    return runs
