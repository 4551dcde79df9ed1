"""The few PDF shapes (ISO 32000-1 §7.3) that a revision needs: read into Python values, and written back unchanged.

Numbers, strings and names stay the bytes that they were, so nothing is lost in a round trip.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

_DEPTH_MAXIMUM = 60
_SPACE = rb"(?:[\0\t\n\f\r ]|%[^\r\n]*(?=[\r\n]))*"
_TOKEN = re.compile(
    _SPACE
    + rb"(?:(?P<ref>(\d+)[\0\t\n\f\r ]+(\d+)[\0\t\n\f\r ]+R(?![^\0\t\n\f\r ()<>\[\]{}/%]))"
    + rb"|(?P<open><<|\[)|(?P<close>>>|\])|(?P<string>\()"
    + rb"|(?P<plain>/[^\0\t\n\f\r ()<>\[\]{}/%]*|<[0-9A-Fa-f\0\t\n\f\r ]*>|[^\0\t\n\f\r ()<>\[\]{}/%]+))"
)
_PARENTHESIS = re.compile(rb"\\.|[()]", re.DOTALL)
_ESCAPE = re.compile(rb"\\([nrtbf()\\]|[0-7]{1,3}|\r\n|\r|\n|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


class OddPdf(ValueError):
    """The file is built in a way that our own reader leaves to pyHanko."""


class HybridPdf(OddPdf):
    """The file has two tables of objects, for old readers and for new ones: signed by nobody here."""


class Ref(NamedTuple):
    """A reference to an indirect object."""

    number: int
    generation: int


Value = bytes | Ref | list["Value"] | dict[bytes, "Value"]


def read_value(data: bytes, at: int, depth: int = 0) -> tuple[Value, int]:
    """Read one object at an offset; returns it and where it ends. Raises OddPdf."""
    found = _TOKEN.match(data, at)
    if found is None or depth > _DEPTH_MAXIMUM:
        raise OddPdf(f"no object at {at}")
    if found["plain"] is not None:
        return found["plain"], found.end()
    if found["ref"] is not None:
        return Ref(int(found[2]), int(found[3])), found.end()
    if found["string"] is not None:
        end = _end_of_string(data, found.end())
        return data[found.end() - 1 : end], end
    if found["open"] == b"[":
        return _read_list(data, found.end(), depth)
    if found["open"] is not None:
        return _read_dict(data, found.end(), depth)
    raise OddPdf(f"a bracket too many at {at}")


def _read_list(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    items: list[Value] = []
    while True:
        ahead = _TOKEN.match(data, at)
        if ahead is not None and ahead["close"] == b"]":
            return items, ahead.end()
        item, at = read_value(data, at, depth + 1)
        items.append(item)


def _read_dict(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    members: dict[bytes, Value] = {}
    while True:
        found = _TOKEN.match(data, at)
        if found is not None and found["close"] == b">>":
            return members, found.end()
        if found is None or found["plain"] is None or not found["plain"].startswith(b"/"):
            raise OddPdf(f"no key at {at}")
        if found["plain"] in members:
            raise OddPdf("a key twice")
        members[found["plain"]], at = read_value(data, found.end(), depth + 1)


def _end_of_string(data: bytes, at: int) -> int:
    depth = 1
    for found in _PARENTHESIS.finditer(data, at):
        depth += {b"(": 1, b")": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    raise OddPdf("a string without an end")


def write_value(value: Value) -> bytes:
    """Write an object as PDF."""
    if isinstance(value, Ref):
        return b"%d %d R" % value
    if isinstance(value, dict):
        return b"<<" + b"".join(key + b" " + write_value(member) for key, member in value.items()) + b">>"
    if isinstance(value, list):
        return b"[" + b" ".join(write_value(item) for item in value) + b"]"
    return value


def text_of(value: Value | None) -> str | None:
    """Decode a text string, None for what is no string. Raises OddPdf for other encodings than Latin and UTF-16."""
    if not isinstance(value, bytes) or value[:1] not in (b"(", b"<"):
        return None
    if value[:1] == b"<":
        digits = bytes(byte for byte in value[1:-1] if byte not in b"\0\t\n\f\r ")
        raw = bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))
    else:
        raw = _ESCAPE.sub(_unescape, value[1:-1])
    try:
        return raw[2:].decode("utf-16-be") if raw.startswith(b"\xfe\xff") else raw.decode("latin-1")
    except UnicodeDecodeError as error:
        raise OddPdf("text") from error


def _unescape(found: re.Match[bytes]) -> bytes:
    escaped = found[1]
    if escaped[:1].isdigit():
        return bytes([int(escaped, 8) & 0xFF])
    if escaped in (b"\r\n", b"\r", b"\n"):
        return b""
    return _ESCAPED.get(escaped, escaped)


def whole_number(members: Mapping[bytes, Value], key: bytes, default: int | None = None) -> int:
    """Read a direct whole number of a dictionary. Raises OddPdf."""
    value = members.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, bytes) or not value.isdigit():
        raise OddPdf(f"{key!r} is no number")
    return int(value)
