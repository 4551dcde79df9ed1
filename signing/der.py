"""The few DER (X.690) shapes that CMS, RFC 3161 and RFC 6960 messages are made of: written, and read back without copies."""

from collections.abc import Iterator
from functools import lru_cache

SEQUENCE, SET, OCTETS, BITS, NULL, INTEGER, OID, BOOLEAN = 0x30, 0x31, 0x04, 0x03, 0x05, 0x02, 0x06, 0x01
GENERALIZED_TIME = 0x18


class BadDer(ValueError):
    """The bytes are not the DER message that was expected."""


def tlv(tag: int, *parts: bytes) -> bytes:
    """Write one tag-length-value from the parts of its value."""
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


@lru_cache(maxsize=256)
def oid(dotted: str) -> bytes:
    """Write an object identifier given as "1.2.840.113549"."""
    arcs = [int(arc) for arc in dotted.split(".")]
    body = bytearray((arcs[0] * 40 + arcs[1],))
    for arc in arcs[2:]:
        chunk = [arc & 0x7F]
        while arc := arc >> 7:
            chunk.append(0x80 | arc & 0x7F)
        body += bytes(reversed(chunk))
    return tlv(OID, bytes(body))


def integer(number: int) -> bytes:
    """Write a non-negative integer."""
    return tlv(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def header(data: bytes, at: int) -> tuple[int, int, int]:
    """Read the tag at an offset: (tag, start of the value, end of the value). Raises BadDer."""
    try:
        tag, size, start = data[at], data[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            if not 1 <= count <= 4:
                raise BadDer("length")
            size, start = int.from_bytes(data[start : start + count], "big"), start + count
    except IndexError as error:
        raise BadDer("cut short") from error
    if start + size > len(data):
        raise BadDer("cut short")
    return tag, start, start + size


def expect(data: bytes, at: int, tag: int) -> tuple[int, int]:
    """Read the value's start and end at an offset, which must carry this tag. Raises BadDer."""
    found, start, end = header(data, at)
    if found != tag:
        raise BadDer(f"tag {found:#x} where {tag:#x} belongs")
    return start, end


def children(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Walk the members of a constructed value: (tag, offset, start of the value, end of the value)."""
    at = start
    while at < end:
        tag, inner, stop = header(data, at)
        if stop > end:
            raise BadDer("a member leaves its parent")
        yield tag, at, inner, stop
        at = stop


def strip(data: bytes) -> bytes:
    """Drop what follows the first element, such as the zero padding of a PDF /Contents. Raises BadDer."""
    _, _, end = header(data, 0)
    return data[:end]
