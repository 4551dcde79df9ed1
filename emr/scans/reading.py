"""Read a scan: which kind it is, and its pages as pictures. Pure and CPU-bound: for a worker process."""

import io
from collections.abc import Iterator
from itertools import islice

from msgspec import Struct
from PIL import Image, UnidentifiedImageError
from pyhanko.pdf_utils.generic import DictionaryObject, StreamObject
from pyhanko.pdf_utils.misc import PdfError, PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader

QUALITY = 85
PIXELS_MAXIMUM = 60_000_000
SIDE_MAXIMUM = 3_600
"""Pixels; 300 dots per inch on A4. Larger pictures are made smaller, the scan itself travels along unchanged."""


class Page(Struct, frozen=True):
    jpeg: bytes
    width: int
    height: int
    grey: bool


class Pages(Struct, frozen=True):
    """What a scan holds; `refusal` says in words why it is not accepted."""

    pages: tuple[Page, ...] = ()
    media_type: str = ""
    refusal: str = ""


def read_scan(data: bytes, pages_maximum: int) -> Pages:
    """Return the pages of a PDF, JPEG or PNG scan, or why it is refused."""
    try:
        if data.startswith(b"%PDF-"):
            return _pdf(data, pages_maximum)
        if data.startswith(b"\xff\xd8\xff"):
            return Pages((_page(data),), "image/jpeg")
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return Pages((_page(data),), "image/png")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError):
        return Pages(refusal="Không đọc được ảnh quét: tệp hỏng hoặc ảnh quá lớn. Hãy quét lại.")
    except (PdfError, PdfReadError, KeyError, TypeError, IndexError, NotImplementedError):
        return Pages(refusal="Không đọc được tệp PDF này. Hãy quét lại thành JPEG, PNG hoặc PDF thường.")
    return Pages(refusal="Chỉ nhận bản quét PDF, JPEG hoặc PNG.")


def _page(data: bytes) -> Page:
    with Image.open(io.BytesIO(data)) as image:
        if image.width * image.height > PIXELS_MAXIMUM:
            raise ValueError("too many pixels")
        grey = image.mode in ("1", "L", "LA", "I", "I;16")
        flat = image.convert("L" if grey else "RGB")
        flat.thumbnail((SIDE_MAXIMUM, SIDE_MAXIMUM))
        out = io.BytesIO()
        flat.save(out, "JPEG", quality=QUALITY)
        return Page(out.getvalue(), flat.width, flat.height, grey)


def _pdf(data: bytes, pages_maximum: int) -> Pages:
    reader = PdfFileReader(io.BytesIO(data), strict=False)  # Scanners write what they like.
    if reader.encrypted:
        return Pages(refusal="Tệp PDF có mật khẩu. Hãy bỏ mật khẩu rồi tải lên lại.")
    leaves = list(islice(_leaves(reader.root["/Pages"], 0), pages_maximum + 1))
    count = max(int(reader.root["/Pages"]["/Count"]), len(leaves))
    if count > pages_maximum:
        return Pages(refusal=f"Bản quét có {count} trang, tối đa {pages_maximum}. Hãy tách thành nhiều tệp.")
    pages = []
    for number, leaf in enumerate(leaves):
        found = _pictures(leaf)
        if len(found) != 1:
            return Pages(
                refusal=f"Trang {number + 1} không phải ảnh quét. Chỉ nhận PDF do máy quét tạo, mỗi trang một ảnh."
            )
        pages.append(_picture(found[0]))
    if not pages:
        return Pages(refusal="Tệp PDF không có trang nào.")
    return Pages(tuple(pages), "application/pdf")


def _leaves(node: DictionaryObject, depth: int) -> Iterator[DictionaryObject]:
    """Walk the tree of pages, not deeper than any honest file goes."""
    if depth > 20:
        raise ValueError("page tree")
    if node.get("/Type") == "/Page":
        yield node
        return
    kids = node["/Kids"]
    for number in range(len(kids)):
        yield from _leaves(kids[number], depth + 1)


def _pictures(page: DictionaryObject) -> list[StreamObject]:
    resources = page.get("/Resources", {})
    objects = resources.get("/XObject", {}) if resources else {}
    found = [objects[name] for name in objects]
    return [one for one in found if isinstance(one, StreamObject) and one.get("/Subtype") == "/Image"]


def _picture(stream: StreamObject) -> Page:
    """Read one picture: a JPEG as it is, else samples of 1 or 8 bits in grey or colour."""
    filters = stream.get("/Filter", [])
    names = [str(name) for name in filters] if isinstance(filters, list) else [str(filters)]
    if "/DCTDecode" in names or "/JPXDecode" in names:
        return _page(stream.encoded_data)
    width, height = int(stream["/Width"]), int(stream["/Height"])
    if width * height > PIXELS_MAXIMUM:
        raise ValueError("too many pixels")
    bits, colours = int(stream.get("/BitsPerComponent", 8)), str(stream.get("/ColorSpace", "/DeviceGray"))
    mode = {("/DeviceRGB", 8): "RGB", ("/DeviceGray", 8): "L", ("/DeviceGray", 1): "1"}[(colours, bits)]
    out = io.BytesIO()
    Image.frombytes(mode, (width, height), stream.data).save(out, "PNG")
    return _page(out.getvalue())
