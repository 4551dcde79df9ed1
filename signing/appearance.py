"""What a signature looks like on the page: a few lines in the file's own font, drawn when it is signed.

It may show lines that a hand drew, and carry a file: an associated file of the picture (ISO 32000-2 14.13) lies in the
revision that the signature covers and touches nothing that an earlier one covers.
"""

import hashlib
import zlib
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

PADDING = 3.0  # Points.
LEADING = 1.28
LARGEST = 9.0  # Points.
SMALLEST = 4.0
INK = b"0.043 0.322 0.322 rg"
PEN = b"0.06 0.11 0.18 RG 1 J 1 j"
_DRAWN_SHARE = 0.52  # Of the block's height, when there is something drawn.


class Typeface(Protocol):
    """The face whose whole Vietnamese alphabet our files carry under /FSig (Identity-H)."""

    def glyphs(self, text: str) -> str:
        """Return the text as hexadecimal glyph ids."""
        ...

    def width(self, text: str, size: float) -> float:
        """Return the advance of a line in points."""
        ...


class Ink(Struct, frozen=True):
    """Lines that a hand drew, y downwards, in a field of this size. Where the pen went, never when."""

    width: float
    height: float
    strokes: tuple[tuple[tuple[float, float], ...], ...]

    def path(self, width: float, height: float) -> bytes:
        """Return the operators that draw it as large as fits, in the middle of a box."""
        points = [point for stroke in self.strokes for point in stroke]
        if not points:
            return b""
        left, top = min(x for x, _ in points), min(y for _, y in points)
        wide, high = max(x for x, _ in points) - left, max(y for _, y in points) - top
        scale = min(width / max(wide, 1.0), height / max(high, 1.0), width / max(self.width, 1.0) * 2)
        x0, y0 = (width - wide * scale) / 2, (height + high * scale) / 2
        out = [PEN + b" 0.9 w"]
        for stroke in self.strokes:
            for at, (x, y) in enumerate(stroke):
                out.append(
                    b"%.2f %.2f %s" % (x0 + (x - left) * scale, y0 - (y - top) * scale, b"l" if at else b"m")
                )
            if len(stroke) == 1:  # A dot: a line of no length with round ends.
                x, y = stroke[0]
                out.append(b"%.2f %.2f l" % (x0 + (x - left) * scale, y0 - (y - top) * scale))
            out.append(b"S")
        return b" ".join(out)


class Enclosed(Struct, frozen=True):
    """A file that the picture of a signature carries (AFRelationship Data)."""

    name: str
    description: str
    data: bytes
    media_type: str = "application/json"

    def specification(self, stream: int) -> bytes:
        """Return the file specification that points at the stream's object."""
        name = _text(self.name)
        return b"<</Type/Filespec/F%s/UF%s/Desc%s/AFRelationship/Data/EF<</F %d 0 R/UF %d 0 R>>>>" % (
            name,
            name,
            _text(self.description),
            stream,
            stream,
        )

    def stream(self, moment: bytes) -> bytes:
        """Return the embedded file, packed."""
        packed, filters = zlib.compress(self.data, 9), b"/FlateDecode"
        if packed.endswith(
            (b"\r", b"\n")
        ):  # Before `endstream` that reads like the end of the line (PDF/A-3).
            packed, filters = packed.hex().encode() + b">", b"[/ASCIIHexDecode/FlateDecode]"
        subtype = self.media_type.replace("/", "#2F").encode("ascii")
        check = hashlib.md5(self.data, usedforsecurity=False).hexdigest().encode()
        return (
            b"<</Type/EmbeddedFile/Subtype/%s/Filter%s/Length %d"
            b"/Params<</Size %d/ModDate(%s)/CheckSum<%s>>>>>\nstream\n%s\nendstream"
        ) % (subtype, filters, len(packed), len(self.data), moment, check, packed)


def _text(text: str) -> bytes:
    return b"<FEFF" + text.encode("utf-16-be").hex().upper().encode() + b">"


class Appearance(Struct, frozen=True):
    """The lines of a signature block and the font that draws them; perhaps something drawn, and files to carry."""

    lines: tuple[str, ...]
    font: Typeface
    ink: Ink | None = None
    enclosed: tuple[Enclosed, ...] = ()

    def form(
        self,
        rect: tuple[float, float, float, float],
        font_object: int,
        enclosed_objects: Sequence[int] = (),
    ) -> bytes:
        """Return a form XObject that fills a field, its text as large as fits."""
        width, height = rect[2] - rect[0], rect[3] - rect[1]
        stream = self._stream(width, height)
        head = b"<</Type/XObject/Subtype/Form/BBox[0 0 %g %g]" % (width, height)
        if enclosed_objects:
            head += b"/AF[%s]" % b" ".join(b"%d 0 R" % number for number in enclosed_objects)
        head += b"/Resources<</Font<</FSig %d 0 R>>>>/Length %d>>\nstream\n" % (font_object, len(stream))
        return head + stream + b"\nendstream"

    def _stream(self, width: float, height: float) -> bytes:
        if self.ink is None:
            return self._words(width, height)
        drawn = height * _DRAWN_SHARE
        path = self.ink.path(width - 2 * PADDING, drawn - 2 * PADDING)
        lifted = b"q 1 0 0 1 %g %g cm " % (PADDING, height - drawn + PADDING) + path + b" Q"
        return lifted + b"\n" + self._words(width, height - drawn)

    def _words(self, width: float, height: float) -> bytes:
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
