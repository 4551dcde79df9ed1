"""Where things are in a PDF that we rendered: classic cross-reference table, signature fields made beforehand."""

import re

from msgspec import Struct

_FIELD = re.compile(
    rb"<<(/Type\s*/Annot\s*/Subtype\s*/Widget\s*/FT\s*/Sig\s*/T\s*\(([\w.-]+)\).*)>>\s*", re.DOTALL
)
_TRAILER = re.compile(rb"trailer\s*<<(.*?)>>\s*startxref\s+(\d+)\s+%%EOF\s*\Z", re.DOTALL)
_FIELDS_MAXIMUM = 200
_TAIL_BYTES = 2048


class NotAppendable(ValueError):
    """The file is not one of ours, or lacks what an append needs; pyHanko signs it instead."""


class Field(Struct, frozen=True):
    """An empty signature field (widget) and the text of its dictionary, without the brackets."""

    number: int
    body: str
    rect: tuple[float, float, float, float]


class Revision(Struct, frozen=True):
    """One signature in the file: it covers everything before `end` but its own hole."""

    field: str
    start: int
    hole_start: int
    hole_end: int
    end: int


class Layout(Struct, frozen=True):
    """What an append needs to know of a file, kept beside it: sizes, offsets, open fields."""

    size: int
    next_object: int
    startxref: int
    root: int
    info: str
    ids: str
    font: int | None
    newline: bool  # The file ends with a line feed.
    fields: dict[str, Field]
    revisions: tuple[Revision, ...] = ()


def read_layout(pdf: bytes) -> Layout:
    """Find the places of an unsigned file of ours. Raises NotAppendable when it is built another way."""
    tail = _TRAILER.search(pdf, max(0, len(pdf) - _TAIL_BYTES))
    if tail is None or not pdf.startswith(b"%PDF-"):
        raise NotAppendable("trailer")
    trailer, startxref = tail[1], int(tail[2])
    if b"/Prev" in trailer or b"/Encrypt" in trailer or b"/XRefStm" in trailer:
        raise NotAppendable("revisions, encryption or cross-reference streams")
    offsets = _cross_references(pdf, startxref)
    root = int(_need(re.search(rb"/Root (\d+) 0 R", trailer), "root")[1])
    form = _form(pdf, offsets, root)
    font = re.search(rb"/FSig (\d+) 0 R", form)
    info = re.search(rb"/Info \d+ 0 R", trailer)
    ids = re.search(rb"/ID\s*\[[^\]]*\]", trailer, re.DOTALL)
    return Layout(
        size=len(pdf),
        next_object=int(_need(re.search(rb"/Size (\d+)", trailer), "size")[1]),
        startxref=startxref,
        root=root,
        info=info[0].decode("latin-1") if info else "",
        ids=re.sub(rb"\s+|%[^\n]*\n", b"", ids[0]).decode("latin-1") if ids else "",
        font=int(font[1]) if font else None,
        newline=pdf.endswith(b"\n"),
        fields=_fields(pdf, offsets, form),
    )


def _cross_references(pdf: bytes, at: int) -> dict[int, int]:
    """Read one classic cross-reference section: object number to offset."""
    head = re.compile(rb"xref\s+").match(pdf, at)
    if head is None:
        raise NotAppendable("cross-reference stream")
    offsets: dict[int, int] = {}
    at = head.end()
    section = re.compile(rb"(\d+) (\d+)\s*\r?\n")
    while found := section.match(pdf, at):
        first, count, at = int(found[1]), int(found[2]), found.end()
        if at + 20 * count > len(pdf):
            raise NotAppendable("cross-reference table")
        for index in range(count):
            row = pdf[at + 20 * index : at + 20 * index + 20]
            if row[17:18] == b"n":
                offsets[first + index] = int(row[:10])
        at += 20 * count
    return offsets


def _body(pdf: bytes, offsets: dict[int, int], number: int) -> bytes:
    """Return the text of an object, which must be a dictionary without a stream."""
    at = offsets.get(number)
    head = b"%d 0 obj" % number
    if at is None or not pdf.startswith(head, at):
        raise NotAppendable(f"object {number}")
    end = pdf.find(b"endobj", at)
    return pdf[at + len(head) : end].strip()


def _form(pdf: bytes, offsets: dict[int, int], root: int) -> bytes:
    catalog = _body(pdf, offsets, root)
    direct = catalog.find(b"/AcroForm")
    if direct < 0:
        raise NotAppendable("no form")
    reference = re.compile(rb"/AcroForm\s+(\d+) 0 R").match(catalog, direct)
    return _body(pdf, offsets, int(reference[1])) if reference else catalog[direct:]


def _fields(pdf: bytes, offsets: dict[int, int], form: bytes) -> dict[str, Field]:
    listed = _need(re.search(rb"/Fields\s*\[([^\]]*)\]", form), "fields")[1]
    numbers = [int(number) for number in re.findall(rb"(\d+) 0 R", listed)]
    if not numbers or len(numbers) > _FIELDS_MAXIMUM:
        raise NotAppendable("fields")
    fields: dict[str, Field] = {}
    for number in numbers:
        found = _need(_FIELD.fullmatch(_body(pdf, offsets, number)), "field")
        body = found[1]
        if re.search(rb"/V[\s<(\d]", body):
            raise NotAppendable("signed already")
        rect = _need(re.search(rb"/Rect\s*\[([^\]]+)\]", body), "rect")[1].split()
        left, bottom, right, top = (float(edge) for edge in rect)
        fields[found[2].decode()] = Field(number, body.decode("latin-1"), (left, bottom, right, top))
    return fields


def _need(found: re.Match[bytes] | None, what: str) -> re.Match[bytes]:
    if found is None:
        raise NotAppendable(what)
    return found
