"""Search for typed secrets in everything a run leaves behind: a dump of the database, the object store, the logs."""

import base64
import logging
import re
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import Any

import structlog

from hospital.postgres import find_binaries


def shapes(secret: str) -> set[bytes]:
    """The forms in which a secret may lie around: plain, hexadecimal, base64 at each of its three offsets."""
    raw = secret.encode()
    found = {raw, raw.hex().encode(), raw.hex().upper().encode(), raw.decode().encode("utf-16-le")}
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + raw)
        start, end = (
            -(-offset * 8 // 6),
            len(coded) - 4,
        )  # The letters that depend on the neighbours are left out.
        found |= {coded[start:end], coded[start:end].replace(b"+", b"-").replace(b"/", b"_")}
    return {shape for shape in found if len(shape) >= 5}


def find(secret: str, *places: bytes) -> list[bytes]:
    """Return the forms of a secret that occur."""
    return [shape for shape in shapes(secret) if any(shape in place for place in places)]


def find_code(code: str, *places: bytes) -> list[bytes]:
    """Return the forms of a short code that occur; as plain digits only where they stand alone, not within a number."""
    raw = code.encode()
    alone = re.compile(rb"(?<![0-9A-Za-z.:+/\\-])" + raw + rb"(?![0-9A-Za-z])")
    found = [shape for shape in find(code, *places) if shape != raw]
    return found + [raw for place in places if alone.search(place)][:1]


def inflated(data: bytes) -> bytes:
    """Return what is packed inside a PDF: page contents, attached files."""
    unpacked = []
    for filters, packed in re.findall(rb"(/FlateDecode.*?)stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL):
        raw = (
            bytes.fromhex(packed.rstrip(b">\r\n").decode()) if b"]" in filters and is_hex(packed) else packed
        )
        with suppress(zlib.error):
            unpacked.append(zlib.decompress(raw))
    return b"\n".join(unpacked)


def is_hex(packed: bytes) -> bool:
    return re.fullmatch(rb"(?:[0-9a-fA-F]{2})+>\s*", packed) is not None


def dump(owner_url: str) -> bytes:
    """Everything in the database as text; binary columns are hexadecimal in it."""
    url = owner_url.replace("postgresql+asyncpg://", "postgresql://", 1)
    done = subprocess.run(
        [find_binaries() / "pg_dump", "--format=plain", "--inserts", f"--dbname={url}"],
        capture_output=True,
        check=True,
    )
    return done.stdout


def folder_bytes(folder: Path) -> list[bytes]:
    """Every file below a folder, its name, and what is packed inside it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [(data := path.read_bytes()) + path.name.encode() + inflated(data) for path in files]


@contextmanager
def everything_logged() -> Iterator[StringIO]:
    """Catch all that is logged, without the filters of production: ours and every library's, down to debug."""
    stream, before, root = StringIO(), structlog.get_config(), logging.getLogger()

    def write(_: Any, __: str, event: Any) -> Any:
        stream.write(repr(event) + "\n")
        raise structlog.DropEvent

    handler, level = logging.StreamHandler(stream), root.level
    structlog.configure(
        processors=[write],
        wrapper_class=structlog.make_filtering_bound_logger(0),
        cache_logger_on_first_use=False,
    )
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        structlog.configure(**before)
