"""Draw a payload as a QR symbol and read the drawing back before anyone sees it."""

import io
import zlib
from math import isqrt
from struct import pack
from typing import cast

import zxingcpp
from msgspec import Struct

from billing.vietqr.rules import decode

QUIET = 4  # Modules of white around the symbol (ISO/IEC 18004).
_FORMATS = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


class QrUnreadable(Exception):
    """The drawing does not read back as what was asked for: a bug, never shown to a payer."""


class QrSymbol(Struct, frozen=True):
    """A QR symbol, error correction M, without its quiet zone: one byte per module, 0 is dark."""

    payload: str
    side: int
    modules: bytes

    def svg_path(self) -> str:
        """Return the dark modules as one SVG path, one unit per module."""
        side, path = self.side, []
        for y in range(side):
            x = 0
            for run in self.modules[y * side : y * side + side].split(b"\xff"):
                if run:
                    path.append(f"M{x} {y}h{len(run)}v1H{x}z")
                x += len(run) + 1
        return "".join(path)

    def svg(self, room: int | None = None) -> str:
        """Return the symbol as an SVG image, quiet zone included, black on white.

        `room`: pixels it may take; it then has whole pixels a module.
        """
        total = self.side + 2 * QUIET
        size = f'width="{room // total * total}" height="{room // total * total}" ' if room else ""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}viewBox="-{QUIET} -{QUIET} {total} {total}" '
            f'shape-rendering="crispEdges" role="img" aria-label="Mã VietQR">'
            f'<path fill="#fff" d="M-{QUIET}-{QUIET}h{total}v{total}h-{total}z"/>'
            f'<path d="{self.svg_path()}"/></svg>'
        )

    def png(self, scale: int = 8) -> bytes:
        """Return the symbol as a grey PNG with its quiet zone, `scale` pixels per module."""
        total = (self.side + 2 * QUIET) * scale
        blank = b"\x00" + b"\xff" * total
        margin = b"\xff" * (QUIET * scale)
        out = io.BytesIO()
        for _ in range(QUIET * scale):
            out.write(blank)
        for y in range(self.side):
            row = self.modules[y * self.side : (y + 1) * self.side]
            line = b"\x00" + margin + b"".join(bytes((m,)) * scale for m in row) + margin
            out.write(line * scale)
        for _ in range(QUIET * scale):
            out.write(blank)
        header = pack(">IIBBBBB", total, total, 8, 0, 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(out.getvalue(), 6)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
        )


_DRAWN: dict[str, tuple[int, bytes]] = {}
_KEPT = 256


def draw(payload: str) -> QrSymbol:
    """Return the symbol of a VietQR payload.

    Raises BadQr on a bad payload, QrUnreadable if the drawing does not read back.
    """
    decode(payload)
    code = zxingcpp.create_barcode(payload, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    image = code.to_image(scale=1, add_quiet_zones=False)
    grid = bytes(cast("bytes", image))  # A buffer of grey pixels, which its stub does not say.
    symbol = QrSymbol(payload, isqrt(len(grid)), grid)
    if read(symbol) != payload:
        raise QrUnreadable(payload)
    return symbol


def drawn(payload: str) -> QrSymbol:
    """Draw a payload once in this process: it is asked for by one request and shown by the next."""
    if payload not in _DRAWN:
        if len(_DRAWN) >= _KEPT:
            del _DRAWN[next(iter(_DRAWN))]
        symbol = draw(payload)
        _DRAWN[payload] = symbol.side, symbol.modules
    return QrSymbol(payload, *_DRAWN[payload])


def read(symbol: QrSymbol) -> str | None:
    """Return what a scanner reads in the symbol."""
    total = symbol.side + 2 * QUIET
    blank, margin = b"\xff" * (total * QUIET), b"\xff" * QUIET
    rows = (symbol.modules[y * symbol.side : (y + 1) * symbol.side] for y in range(symbol.side))
    pixels = blank + b"".join(margin + row + margin for row in rows) + blank
    image = zxingcpp.ImageView(pixels, total, total, zxingcpp.ImageFormat.Lum)
    found = zxingcpp.read_barcodes(image, formats=_FORMATS, is_pure=True)
    return found[0].text if len(found) == 1 and found[0].valid else None
