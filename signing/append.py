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
    out = _Writer(layout.size, layout.newline)
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
    start = out.trailer(layout, following)
    end = layout.size + len(out.data)
    made = Revision(field, layout.size, layout.size + hole, layout.size + hole + 2 * room + 2, end)
    numbers = b"0 %d %d %d" % (made.hole_start, made.hole_end, end - made.hole_end)
    out.data[byte_range : byte_range + _BYTE_RANGE_WIDTH + 2] = b"[%-50s]" % numbers
    whole = prefix.copy()
    whole.update(out.data[:hole])
    whole.update(out.data[hole + 2 * room + 2 :])
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


class _Writer:
    """Collects the objects of one revision and their offsets."""

    def __init__(self, base: int, ends_with_newline: bool) -> None:
        self.data = bytearray(b"" if ends_with_newline else b"\n")
        self._base = base
        self._offsets: list[tuple[int, int]] = []

    def object(self, number: int, body: bytes) -> None:
        self._offsets.append((number, self._base + len(self.data)))
        self.data += b"%d 0 obj\n" % number + body + b"\nendobj\n"

    def signature(self, number: int, room: int, at: datetime, reason: str) -> tuple[int, int]:
        """Write the signature dictionary; return where /ByteRange and the hole begin in this revision."""
        self._offsets.append((number, self._base + len(self.data)))
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

    def trailer(self, layout: Layout, size: int) -> int:
        start = self._base + len(self.data)
        self.data += b"xref\n"
        for number, offset in sorted(self._offsets):
            self.data += b"%d 1\n%010d 00000 n \n" % (number, offset)
        self.data += b"trailer\n<</Size %d/Root %d 0 R" % (size, layout.root)
        self.data += layout.info.encode("latin-1") + b"/Prev %d" % layout.startxref
        self.data += layout.ids.encode("latin-1") + b">>\nstartxref\n%d\n%%%%EOF\n" % start
        return start


def pdf_date(at: datetime) -> bytes:
    """Write a moment as PDF does: D:20261121140500+07'00'."""
    offset = at.strftime("%z")
    return f"D:{at:%Y%m%d%H%M%S}{offset[:3]}'{offset[3:5]}'".encode()


def running_hash(data: bytes) -> "hashlib._Hash":
    """Start the hash that an append goes on from: everything written so far."""
    return hashlib.sha256(data)
