"""Find objects of a PDF by its cross-references, tables and streams alike, reading no more than what is asked for.

Only what a revision needs, and only files built by the book: everything else is OddPdf and left to pyHanko. No judge of
anything: what is written by this reader's help is verified by pyHanko afterwards.
"""

import re
import zlib
from itertools import accumulate

from msgspec import Struct

from signing.pdf_syntax import HybridPdf, OddPdf, Ref, Value, read_value, whole_number

_START = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")
_HEAD = re.compile(rb"\s*(\d+)\s+(\d+)\s+obj(?![a-z])")
_STREAM = re.compile(rb"\s*stream(?:\r\n|\n)")
_END_STREAM = re.compile(rb"\s*endstream")
_TABLE = re.compile(rb"\s*xref\s+")
_SUBSECTION = re.compile(rb"(\d+) +(\d+)\s*")
_TRAILER = re.compile(rb"\s*trailer")
_ROW = re.compile(rb"\d{10} \d{5} [nf](?: \r| \n|\r\n)")
_TAIL_BYTES = 2048
_SECTIONS_MAXIMUM = 400
_UNPACKED_MAXIMUM = 30_000_000  # Bytes.


class Place(Struct, frozen=True):
    """Where an object is: at an offset, or in an object stream."""

    offset: int
    generation: int = 0
    inside: int | None = None  # Number of the object stream; `offset` is then the index in it.


class Table:
    """A classic cross-reference table; rows are read when asked for."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self._parts: list[tuple[int, int, int]] = []
        while found := _SUBSECTION.match(data, at):
            first, count, start = int(found[1]), int(found[2]), found.end()
            if count and _ROW.match(data, start) is None:
                raise OddPdf("cross-reference rows")
            at = start + 20 * count
            self._parts.append((first, count, start))
        head = _TRAILER.match(data, at)
        trailer = read_value(data, head.end())[0] if head else None
        if not isinstance(trailer, dict):
            raise OddPdf("trailer")
        self.trailer = trailer

    def find(self, number: int) -> Place | None:
        for first, count, start in self._parts:
            if first <= number < first + count:
                row = _ROW.match(self._data, start + 20 * (number - first))
                if row is None:
                    raise OddPdf("cross-reference row")
                return Place(int(row[0][:10]), int(row[0][11:16])) if row[0][17:18] == b"n" else None
        return None

    def knows(self, number: int) -> bool:
        return any(first <= number < first + count for first, count, _ in self._parts)


class Stream:
    """A cross-reference stream."""

    def __init__(self, data: bytes, at: int) -> None:
        self.trailer, rows = _stream_at(data, at)
        if self.trailer.get(b"/Type") != b"/XRef":
            raise OddPdf("no cross-reference stream")
        self._widths = _numbers(self.trailer.get(b"/W"))
        index = self.trailer.get(b"/Index")
        size = whole_number(self.trailer, b"/Size")
        self._index = _numbers(index) if index is not None else [0, size]
        if len(self._widths) != 3 or len(self._index) % 2:
            raise OddPdf("shape of the cross-reference stream")
        self._rows = rows

    def find(self, number: int) -> Place | None:
        kind, second, third = self._entry(number)
        if kind == 1:
            return Place(second, third)
        return Place(third, 0, second) if kind == 2 else None

    def knows(self, number: int) -> bool:
        return any(first <= number < first + count for first, count in self._pairs())

    def _pairs(self) -> list[tuple[int, int]]:
        return list(zip(self._index[::2], self._index[1::2], strict=True))

    def _entry(self, number: int) -> tuple[int, int, int]:
        width, before = sum(self._widths), 0
        for first, count in self._pairs():
            if first <= number < first + count:
                at = (before + number - first) * width
                row = self._rows[at : at + width]
                if len(row) != width:
                    raise OddPdf("cross-reference stream cut short")
                one, two, _ = self._widths
                kind = int.from_bytes(row[:one]) if one else 1
                return kind, int.from_bytes(row[one : one + two]), int.from_bytes(row[one + two :])
            before += count
        return 0, 0, 0


class PdfFile:
    """A file, its newest trailer, and its objects by number."""

    def __init__(self, data: bytes) -> None:
        found = _START.search(data, max(0, len(data) - _TAIL_BYTES))
        if found is None or not data.startswith(b"%PDF-"):
            raise OddPdf("start or end of the file")
        self.data, self.startxref = data, int(found[1])
        self._sections: list[Table | Stream] = []
        self._next: int | None = self.startxref
        self._read: set[int] = set()
        self._packed: dict[int, tuple[list[int], int, bytes]] = {}
        newest = self._read_section()
        self.trailer = newest.trailer
        self.by_stream = isinstance(newest, Stream)
        if b"/Encrypt" in self.trailer:
            raise OddPdf("encrypted")

    def _read_section(self) -> Table | Stream:
        """Read the next older section. Hybrids show different objects to different readers: never signed here."""
        assert self._next is not None
        if len(self._sections) > _SECTIONS_MAXIMUM:
            raise OddPdf("too many revisions")
        head = _TABLE.match(self.data, self._next)
        section = Table(self.data, head.end()) if head else Stream(self.data, self._next)
        if b"/XRefStm" in section.trailer:
            raise HybridPdf("hybrid cross-references")
        self._sections.append(section)
        self._read.add(self._next)
        older = whole_number(section.trailer, b"/Prev", -1)
        if older in self._read:
            raise OddPdf("revisions in a circle")
        self._next = older if older >= 0 else None
        return section

    def place(self, number: int) -> Place | None:
        """Say where an object is; None when it is free or unknown."""
        at = 0
        while True:
            while at < len(self._sections):
                section = self._sections[at]
                found = section.find(number)
                if found is not None:
                    return found
                if section.knows(number):
                    return None
                at += 1
            if self._next is None:
                return None
            self._read_section()

    def get(self, number: int) -> tuple[Value, int]:
        """Return an object that is no stream, and its generation. Raises OddPdf."""
        place = self.place(number)
        if place is None:
            raise OddPdf(f"object {number} is missing")
        if place.inside is not None:
            return self._unpack(place.inside, place.offset, number), 0
        head = _HEAD.match(self.data, place.offset)
        if head is None or int(head[1]) != number or int(head[2]) != place.generation:
            raise OddPdf(f"object {number} is elsewhere")
        value, end = read_value(self.data, head.end())
        if _STREAM.match(self.data, end):
            raise OddPdf(f"object {number} is a stream")
        return value, place.generation

    def resolve(self, value: Value | None) -> Value | None:
        """Follow a reference."""
        return self.get(value.number)[0] if isinstance(value, Ref) else value

    def dictionary(self, value: Value | None) -> dict[bytes, Value]:
        """Follow a reference to a dictionary. Raises OddPdf."""
        found = self.resolve(value)
        if not isinstance(found, dict):
            raise OddPdf("no dictionary")
        return found

    def _unpack(self, number: int, index: int, wanted: int) -> Value:
        if number not in self._packed:
            place = self.place(number)
            if place is None or place.inside is not None:
                raise OddPdf("object stream")
            head, packed = _stream_at(self.data, place.offset)
            first = whole_number(head, b"/First")
            pairs = [int(part) for part in packed[:first].split()]
            self._packed[number] = (pairs, first, packed)
        pairs, first, packed = self._packed[number]
        if 2 * index + 1 >= len(pairs) or pairs[2 * index] != wanted:
            raise OddPdf("index of an object stream")
        return read_value(packed, first + pairs[2 * index + 1])[0]


def _stream_at(data: bytes, offset: int) -> tuple[dict[bytes, Value], bytes]:
    """Read a stream object with a direct length, unpacked. Raises OddPdf."""
    head = _HEAD.match(data, offset)
    if head is None:
        raise OddPdf(f"no object at {offset}")
    members, end = read_value(data, head.end())
    start = _STREAM.match(data, end)
    if start is None or not isinstance(members, dict):
        raise OddPdf("no stream")
    length = whole_number(members, b"/Length")
    raw = data[start.end() : start.end() + length]
    if _END_STREAM.match(data, start.end() + length) is None:
        raise OddPdf("length of a stream")
    kind = members.get(b"/Filter")
    if isinstance(kind, list) and len(kind) == 1:
        kind = kind[0]
    if kind is None:
        return members, raw
    if kind != b"/FlateDecode":
        raise OddPdf("filter")
    unpacked = _inflate(raw)
    parameters = members.get(b"/DecodeParms")
    if isinstance(parameters, list) and len(parameters) == 1:
        parameters = parameters[0]
    if parameters in (None, b"null"):
        return members, unpacked
    if not isinstance(parameters, dict):
        raise OddPdf("parameters")
    return members, _unpredict(unpacked, parameters)


def _inflate(raw: bytes) -> bytes:
    """Unpack within bounds. Raises OddPdf."""
    unpacking = zlib.decompressobj()
    try:
        unpacked = unpacking.decompress(raw, _UNPACKED_MAXIMUM)
    except zlib.error as error:
        raise OddPdf("packed data") from error
    if unpacking.unconsumed_tail:
        raise OddPdf("unfolds too far")
    return unpacked


def _unpredict(data: bytes, parameters: dict[bytes, Value]) -> bytes:
    """Undo the PNG predictors None and Up, the ones in use for cross-references. Raises OddPdf."""
    predictor = whole_number(parameters, b"/Predictor", 1)
    if predictor == 1:
        return data
    width = whole_number(parameters, b"/Columns", 1)
    kinds = set(data[:: width + 1])
    if predictor < 10 or len(data) % (width + 1) or not kinds <= {0, 2}:
        raise OddPdf("predictor")
    if kinds == {0}:
        columns = [data[1 + column :: width + 1] for column in range(width)]
    elif kinds <= {2}:
        columns = [
            bytes(total & 0xFF for total in accumulate(data[1 + column :: width + 1]))
            for column in range(width)
        ]
    else:
        raise OddPdf("mixed predictors")
    return b"".join(bytes(row) for row in zip(*columns, strict=True))


def _numbers(value: Value | None) -> list[int]:
    if not isinstance(value, list) or not all(isinstance(item, bytes) and item.isdigit() for item in value):
        raise OddPdf("numbers")
    return [int(item) for item in value if isinstance(item, bytes)]
