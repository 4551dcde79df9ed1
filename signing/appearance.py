"""What a signature looks like on the page: a few lines in the file's own font, drawn when it is signed."""

from typing import Protocol

from msgspec import Struct

PADDING = 3.0  # Points.
LEADING = 1.28
LARGEST = 9.0  # Points.
SMALLEST = 4.0
INK = b"0.043 0.322 0.322 rg"


class Typeface(Protocol):
    """The face whose whole Vietnamese alphabet our files carry under /FSig (Identity-H)."""

    def glyphs(self, text: str) -> str:
        """Return the text as hexadecimal glyph ids."""
        ...

    def width(self, text: str, size: float) -> float:
        """Return the advance of a line in points."""
        ...


class Appearance(Struct, frozen=True):
    """The lines of a signature block and the font that draws them."""

    lines: tuple[str, ...]
    font: Typeface

    def form(self, rect: tuple[float, float, float, float], font_object: int) -> bytes:
        """Return a form XObject that fills a field, its text as large as fits."""
        width, height = rect[2] - rect[0], rect[3] - rect[1]
        stream = self._stream(width, height)
        head = b"<</Type/XObject/Subtype/Form/BBox[0 0 %g %g]" % (width, height)
        head += b"/Resources<</Font<</FSig %d 0 R>>>>/Length %d>>\nstream\n" % (font_object, len(stream))
        return head + stream + b"\nendstream"

    def _stream(self, width: float, height: float) -> bytes:
        if width <= 2 * PADDING or height <= 2 * PADDING:
            return b""
        widest = max(self.font.width(line, 1.0) for line in self.lines)
        size = min(
            LARGEST,
            (width - 2 * PADDING) / widest,
            (height - 2 * PADDING) / (LEADING * len(self.lines)),
        )
        size = max(SMALLEST, size)
        block = size * (1 + LEADING * (len(self.lines) - 1))
        y = (height + block) / 2 - size * 0.82
        out, before = [b"q " + INK + b" BT /FSig %.2f Tf" % size], 0.0
        for number, line in enumerate(self.lines):
            x = max(PADDING, (width - self.font.width(line, size)) / 2)
            down = y if number == 0 else -size * LEADING
            out.append(b"%.2f %.2f Td <" % (x - before, down) + self.font.glyphs(line).encode() + b"> Tj")
            before = x
        return b" ".join([*out, b"ET Q"])
