"""Append-only PAdES writer for files we rendered: classic cross-reference table, signature fields made beforehand.

The places it needs are kept beside the file (`layout`); a signature appends one small revision and hashes only that, so
the twentieth costs what the first did. Earlier bytes never change.
"""

import hashlib
import re
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from signing.appearance import Appearance
from signing.layout import Layout, Revision

_BYTE_RANGE_WIDTH = 50


class FieldTaken(ValueError):
    """The field is absent or already signed."""


class Pending(Struct):
    """A revision with an empty hole, and the digest that its CMS has to sign."""

    revision: bytearray
    digest: bytes
    layout: Layout  # As it will be once the hole is filled.
    prefix: "hashlib._Hash"  # Running hash of everything before this revision.

    def fill(self, cms: bytes) -> bytes:
        """Put the CMS into the hole and return the bytes to append. Raises ValueError if it does not fit."""
        made = self.layout.revisions[-1]
        room = made.hole_end - made.hole_start - 2
        text = cms.hex().encode()
        if len(text) > room:
            raise ValueError(f"CMS {len(text)} > {room}")
        at = made.hole_start - made.start + 1
        self.revision[at : at + len(text)] = text
        return bytes(self.revision)


def open_revision(
    layout: Layout,
    prefix: "hashlib._Hash",
    field: str,
    *,
    room: int,
    at: datetime,
    appearance: Appearance | None = None,
    reason: str = "",
) -> Pending:
    """Write the revision that signs a field, with a hole for `room` bytes of CMS. Raises FieldTaken."""
    empty = layout.fields.get(field)
    if empty is None:
        raise FieldTaken(field)
    out = RevisionWriter(layout.size, layout.newline)
    value = layout.next_object
    following = value + 1
    body = empty.body.encode("latin-1")
    if appearance is not None and layout.font is not None:
        carried = range(following + 1, following + 1 + 2 * len(appearance.enclosed), 2)
        out.object(following, appearance.form(empty.rect, layout.font, carried))
        body = re.sub(rb"/AP\s*<<\s*/N \d+ 0 R\s*>>", b"", body) + b"/AP<</N %d 0 R>>" % following
        following += 1
        for number, file in zip(carried, appearance.enclosed, strict=True):
            out.object(number, file.specification(number + 1))
            out.object(number + 1, file.stream(pdf_date(at)))
            following = number + 2
    out.object(empty.number, b"<<" + body + b"/V %d 0 R>>" % value)
    byte_range, hole = out.signature(value, room, at, reason)
    entries = b"/Root %d 0 R%s/Prev %d%s" % (
        layout.root,
        layout.info.encode("latin-1"),
        layout.startxref,
        layout.ids.encode("latin-1"),
    )
    start = out.trailer(entries, following)
    end = layout.size + len(out.data)
    made = Revision(field, layout.size, layout.size + hole, layout.size + hole + 2 * room + 2, end)
    whole = out.close(byte_range, hole, room, prefix)
    after = replace(
        layout,
        size=end,
        next_object=following,
        startxref=start,
        newline=True,
        fields={name: rest for name, rest in layout.fields.items() if name != field},
        revisions=(*layout.revisions, made),
    )
    return Pending(out.data, whole.digest(), after, prefix)


class RevisionWriter:
    """Collects the objects of one revision and their offsets; `data` is what is appended."""

    def __init__(self, base: int, ends_with_newline: bool) -> None:
        self.data = bytearray(b"" if ends_with_newline else b"\n")
        self._base = base
        self._offsets: list[tuple[int, int, int]] = []

    def object(self, number: int, body: bytes, generation: int = 0) -> None:
        self._offsets.append((number, self._base + len(self.data), generation))
        self.data += b"%d %d obj\n" % (number, generation) + body + b"\nendobj\n"

    def signature(self, number: int, room: int, at: datetime, reason: str) -> tuple[int, int]:
        """Write the signature dictionary; return where /ByteRange and the hole begin in this revision."""
        self._offsets.append((number, self._base + len(self.data), 0))
        self.data += b"%d 0 obj\n<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M(" % number
        self.data += pdf_date(at) + b")"
        if reason:
            self.data += b"/Reason<FEFF" + reason.encode("utf-16-be").hex().upper().encode() + b">"
        self.data += b"/ByteRange "
        byte_range = len(self.data)
        self.data += b"[%-50s]/Contents" % b""
        hole = len(self.data)
        self.data += b"<" + b"0" * (2 * room) + b">>>\nendobj\n"
        return byte_range, hole

    def close(self, byte_range: int, hole: int, room: int, prefix: "hashlib._Hash") -> "hashlib._Hash":
        """Fill in the byte range of the ended revision; returns the hash of what it covers."""
        after = hole + 2 * room + 2
        numbers = b"0 %d %d %d" % (self._base + hole, self._base + after, len(self.data) - after)
        self.data[byte_range : byte_range + _BYTE_RANGE_WIDTH + 2] = b"[%-50s]" % numbers
        whole = prefix.copy()
        whole.update(self.data[:hole])
        whole.update(self.data[after:])
        return whole

    def trailer(self, entries: bytes, size: int) -> int:
        """End the revision with a cross-reference table; `entries` are the rest of the trailer. Returns its offset."""
        start = self._base + len(self.data)
        self.data += b"xref\n"
        for number, offset, generation in sorted(self._offsets):
            self.data += b"%d 1\n%010d %05d n \n" % (number, offset, generation)
        self.data += b"trailer\n<</Size %d" % size + entries + b">>\nstartxref\n%d\n%%%%EOF\n" % start
        return start

    def stream(self, entries: bytes, number: int) -> None:
        """End the revision with a cross-reference stream, as files need that began with one."""
        start = self._base + len(self.data)
        places = sorted([*self._offsets, (number, start, 0)])
        rows = b"".join(b"\1" + at.to_bytes(6) + generation.to_bytes(2) for _, at, generation in places)
        index = b" ".join(b"%d 1" % place[0] for place in places)
        self.data += b"%d 0 obj\n<</Type/XRef/W[1 6 2]/Index[%s]/Length %d" % (number, index, len(rows))
        self.data += b"/Size %d" % (number + 1) + entries + b">>\nstream\n" + rows + b"\nendstream\nendobj\n"
        self.data += b"startxref\n%d\n%%%%EOF\n" % start


def pdf_date(at: datetime) -> bytes:
    """Write a moment as PDF does: D:20261121140500+07'00'."""
    offset = at.strftime("%z")
    return f"D:{at:%Y%m%d%H%M%S}{offset[:3]}'{offset[3:5]}'".encode()


def running_hash(data: bytes) -> "hashlib._Hash":
    """Start the hash that an append goes on from: everything written so far."""
    return hashlib.sha256(data)
