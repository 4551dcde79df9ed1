"""The two faces of the house on paper, read once per process and embedded whole.

Every document carries the same prepared font programs (glyph ids of the source kept, Identity-H), so nothing
is subset per document and a signature that is appended later finds every Vietnamese letter in the file.
"""

import struct
import unicodedata
import zlib
from functools import cache
from pathlib import Path

from msgspec import Struct
from reportlab.pdfbase.ttfonts import TTFontFile

FOLDER = Path(__file__).parents[1] / "web" / "vendor" / "fonts"
REGULAR, BOLD = "BeVietnamPro-Regular", "BeVietnamPro-SemiBold"

# Signs the face lacks, spelled in signs it has. `unprintable` names what is neither here nor in the face.
SPELLED = {
    "→": "->", "←": "<-", "⇒": "=>", "↑": "tăng", "↓": "giảm", "′": "'", "″": '"',
    "‐": "-", "‑": "-", "‒": "-",
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "Δ": "delta", "λ": "lambda", "μ": "µ", "π": "pi",
    "Ω": "ohm", "√": "căn", "∞": "vô hạn", "☐": "[ ]", "☑": "[x]", "✓": "x", "\u2009": " ", "\u202f": " ",
    "\u200b": "", "\ufeff": "", "\t": " ", "\r": "",
}  # fmt: skip
_ARGS_ARE_WORDS, _SCALE, _MORE, _XY_SCALE, _TWO_BY_TWO = 0x01, 0x08, 0x20, 0x40, 0x80
_INSTRUCTED = 0x100
_REMEMBERED, _SHORT = 40_000, 48
_KEPT_TABLES = ("OS/2", "hhea", "hmtx", "maxp", "name")


class Metrics(Struct, frozen=True):
    """What a font descriptor needs, in thousandths of the size."""

    ascent: int
    descent: int
    cap_height: int
    box: tuple[int, int, int, int]
    stem: int


class _Glyphs(dict[int, str]):
    """Letter → hexadecimal glyph id for `str.translate`; a letter the face lacks becomes a question mark."""

    def __missing__(self, letter: int) -> str:
        return self[ord("?")]


class _Advances(dict[str, int]):
    def __missing__(self, letter: str) -> int:
        return self["?"]


class _Words(dict[str, int]):
    """Advances of the words seen before: clinical text repeats itself. A few megabytes at most."""

    def __init__(self, advances: _Advances) -> None:
        super().__init__()
        self._advances = advances

    def __missing__(self, word: str) -> int:
        if len(self) > _REMEMBERED:
            self.clear()
        units = self[word] = sum(map(self._advances.__getitem__, word))
        return units


class Face:
    """One weight: widths for the layout, glyph ids for the text, a font program for the file."""

    def __init__(self, name: str, *, folder: Path = FOLDER) -> None:
        source = TTFontFile(str(folder / f"{name}.ttf"))
        scale = 1000 / source.unitsPerEm
        self.name = name
        letters = {chr(code): glyph for code, glyph in source.charToGlyph.items() if 32 <= code < 0xFFFF}
        self.letters = frozenset(letters)
        self._hex = _Glyphs({ord(letter): f"{glyph:04X}" for letter, glyph in letters.items()})
        self._advance = _Advances(
            {letter: round(source.hmetrics[glyph][0] * scale) for letter, glyph in letters.items()}
        )
        self.units = _Words(self._advance).__getitem__
        """The advance of a word in thousandths of the size."""
        self._written: dict[str, str] = {}
        self.metrics = Metrics(
            ascent=round(source.ascent),
            descent=round(source.descent),
            cap_height=round(source.capHeight),
            box=(round(source.bbox[0]), round(source.bbox[1]), round(source.bbox[2]), round(source.bbox[3])),
            stem=round(source.stemV),
        )
        widths = sorted((glyph, self._advance[letter]) for letter, glyph in letters.items())
        self.width_array = "".join(f"{glyph}[{width}]" for glyph, width in widths)
        self.program = zlib.compress(_subset(source, set(letters.values())), 9)
        self.program_length = len(zlib.decompress(self.program))
        self.to_unicode = zlib.compress(_to_unicode(letters), 9)

    def glyphs(self, text: str) -> str:
        """Return the text as hexadecimal glyph ids, ready to stand between < and > before Tj."""
        if len(text) > _SHORT:
            return text.translate(self._hex)
        known = self._written.get(text)  # Cells and labels come again and again.
        if known is None:
            if len(self._written) > _REMEMBERED:
                self._written.clear()
            known = self._written[text] = text.translate(self._hex)
        return known

    def width(self, text: str, size: float) -> float:
        """Return the advance of one line in points."""
        return self.units(text) * size / 1000


@cache
def regular() -> Face:
    """Return the face of running text and of signatures (/FSig)."""
    return Face(REGULAR)


@cache
def bold() -> Face:
    """Return the face of titles and filled-in values."""
    return Face(BOLD)


def printable(text: str) -> str:
    """Return the text composed (NFC) and with the signs the faces lack spelled out."""
    if text.isascii() and "\t" not in text and "\r" not in text:
        return text
    text = unicodedata.normalize("NFC", text)
    if regular().letters.issuperset(text):
        return text
    return "".join(SPELLED.get(letter, letter) for letter in text)


def unprintable(text: str) -> frozenset[str]:
    """Return the letters that would not come out on paper, for a refusal that names them."""
    return frozenset(printable(text)) - regular().letters - {"\n"}


def _subset(source: TTFontFile, wanted: set[int]) -> bytes:
    """Return a font program that holds the wanted glyphs under their old ids, without hinting programs."""
    data, bounds = source.get_table("glyf"), source.glyphPos
    pending, kept = [0, *sorted(wanted)], dict[int, bytes]()
    while pending:
        glyph = pending.pop()
        if glyph not in kept:
            kept[glyph], parts = _unhinted(data[bounds[glyph] : bounds[glyph + 1]])
            pending.extend(parts)
    outlines, offsets = bytearray(), [0]
    for glyph in range(source.numGlyphs):
        outlines += kept.get(glyph, b"")
        outlines += b"\0" * (-len(outlines) % 2)
        offsets.append(len(outlines))
    tables = {tag: source.get_table(tag) for tag in _KEPT_TABLES}
    head = bytearray(source.get_table("head"))
    struct.pack_into(">H", head, 50, 1)  # indexToLocFormat: long offsets.
    tables |= {
        "head": bytes(head),
        "glyf": bytes(outlines),
        "loca": struct.pack(f">{len(offsets)}I", *offsets),
        "post": b"\0\3\0\0" + source.get_table("post")[4:16] + b"\0" * 16,
    }
    return _font_file(tables)


def _unhinted(outline: bytes) -> tuple[bytes, list[int]]:
    """Return one outline of the `glyf` table without instructions, and the glyphs it is composed of."""
    if len(outline) < 10:
        return outline, []
    contours = struct.unpack_from(">h", outline)[0]
    if contours >= 0:
        at = 10 + 2 * contours
        length = struct.unpack_from(">H", outline, at)[0]
        return outline[:at] + b"\0\0" + outline[at + 2 + length :], []
    plain, parts = bytearray(outline), []
    at, flags = 10, _MORE
    while flags & _MORE:
        flags, glyph = struct.unpack_from(">HH", outline, at)
        struct.pack_into(">H", plain, at, flags & ~_INSTRUCTED)
        parts.append(glyph)
        at += 8 if flags & _ARGS_ARE_WORDS else 6
        at += 2 if flags & _SCALE else 4 if flags & _XY_SCALE else 8 if flags & _TWO_BY_TWO else 0
    return bytes(plain[:at]), parts


def _font_file(tables: dict[str, bytes]) -> bytes:
    """Assemble an sfnt file; the check sums are those of the OpenType specification."""
    tags = sorted(tables)
    power = len(tags).bit_length() - 1
    out = bytearray(
        struct.pack(">IHHHH", 0x00010000, len(tags), 16 << power, power, (len(tags) << 4) - (16 << power))
    )
    offset, body, head_at = 12 + 16 * len(tags), bytearray(), 0
    for tag in tags:
        data = tables[tag]
        if tag == "head":
            data = data[:8] + b"\0\0\0\0" + data[12:]
            head_at = offset + len(body)
        out += struct.pack(">4sIII", tag.encode(), _check_sum(data), offset + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    out += body
    struct.pack_into(">I", out, head_at + 8, (0xB1B0AFBA - _check_sum(bytes(out))) & 0xFFFFFFFF)
    return bytes(out)


def _check_sum(data: bytes) -> int:
    data += b"\0" * (-len(data) % 4)
    words: tuple[int, ...] = struct.unpack(f">{len(data) // 4}I", data)
    return sum(words) & 0xFFFFFFFF


def _to_unicode(letters: dict[str, int]) -> bytes:
    """Return the CMap that lets a reader copy the text and a search find it."""
    by_glyph = {glyph: letter for letter, glyph in sorted(letters.items(), reverse=True)}
    pairs = [
        f"<{glyph:04X}> <{letter.encode('utf-16-be').hex().upper()}>" for glyph, letter in by_glyph.items()
    ]
    blocks = [pairs[at : at + 100] for at in range(0, len(pairs), 100)]
    body = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
        f"{body}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode()
