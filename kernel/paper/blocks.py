"""What a paper is made of. Plain values: they cross to the rendering process and can be compared in tests."""

from typing import Literal

from msgspec import Struct

from kernel.clock import Instant
from kernel.paper.pdf import Attachment as Attachment

MM = 72 / 25.4  # Points in a millimetre.

Align = Literal["left", "center", "right"]


class PageSize(Struct, frozen=True):
    """Points. A height of 0 is a roll: the page ends where the text ends."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    text: float  # Size of running text.


A4 = PageSize(
    210 * MM, 297 * MM, 18 * MM, 13 * MM, 12 * MM, 9 * MM, 10.5
)  # Wider on the left: records are bound.
A5 = PageSize(148 * MM, 210 * MM, 10 * MM, 9 * MM, 8 * MM, 6 * MM, 9)
A5_LANDSCAPE = PageSize(210 * MM, 148 * MM, 12 * MM, 12 * MM, 8 * MM, 6 * MM, 9)
ROLL80 = PageSize(80 * MM, 0, 4 * MM, 4 * MM, 4 * MM, 4 * MM, 8.5)


class Block(Struct, frozen=True, tag=True, kw_only=True):
    """A piece of the flow, drawn below the one before it."""


class Letterhead(Block, frozen=True, kw_only=True):
    """Head of the law: who issues it on the left, quốc hiệu and tiêu ngữ or the form's marks on the right."""

    authority: str
    facility: str
    unit: str = ""
    motto: bool = True
    title: str = ""  # In the middle, as the record forms of TT 32/2023 have it.
    marks: tuple[str, ...] = ()  # "MS: 15/BV-01", "Số vào viện: …".
    barcode: str = ""


class Title(Block, frozen=True, kw_only=True):
    text: str
    below: str = ""
    align: Align = "center"


class Heading(Block, frozen=True, kw_only=True):
    text: str
    level: Literal[1, 2] = 1


class Paragraph(Block, frozen=True, kw_only=True):
    """Running text behind an optional label; empty text leaves dotted lines to write on."""

    text: str
    label: str = ""
    bold: bool = False
    slanted: bool = False
    align: Align = "left"
    size: float = 0  # 0: the size of running text.
    blank_lines: int = 0


class Value(Struct, frozen=True, kw_only=True):
    """A label and what was filled in; with `boxes` the letters stand in squares, one each."""

    label: str
    text: str = ""
    share: float = 1
    boxes: int = 0
    bold: bool = True


class Fields(Block, frozen=True, kw_only=True):
    """Rows of labels and values side by side; an empty value shows its dotted line."""

    rows: tuple[tuple[Value, ...], ...]


class Choice(Struct, frozen=True):
    text: str
    on: bool = False


class Choices(Block, frozen=True, kw_only=True):
    """Tick boxes on a line, drawn as shapes."""

    options: tuple[Choice, ...]
    label: str = ""


class Column(Struct, frozen=True, kw_only=True):
    title: str
    share: float = 1
    align: Align = "left"


class Row(Struct, frozen=True, kw_only=True):
    """Cells of one table row; `spans` says how many columns each takes (1 each when left out)."""

    cells: tuple[str, ...]
    bold: bool = False
    spans: tuple[int, ...] = ()


class Table(Block, frozen=True, kw_only=True):
    """A grid whose head is repeated on every page it runs over."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    head: tuple[Row, ...] = ()  # Instead of the column titles.
    size: float = 0  # 0: one and a half points under running text.
    grid: bool = True


class Code(Block, frozen=True, kw_only=True):
    """A QR code or a Code 128 bar code with a caption below."""

    text: str
    kind: Literal["qr", "code128"] = "qr"
    side: float = 30 * MM  # Side of a QR code, width of a bar code.
    caption: str = ""
    align: Align = "center"


class Picture(Block, frozen=True, kw_only=True):
    """A JPEG as large as the rest of its page allows; one that does not fit what is left starts a page."""

    jpeg: bytes
    pixels: tuple[int, int]
    grey: bool = False


class Columns(Block, frozen=True, kw_only=True):
    """Two short flows side by side; never broken over pages."""

    left: tuple[Block, ...]
    right: tuple[Block, ...]
    share: float = 0.5


class Keep(Block, frozen=True, kw_only=True):
    """Blocks that stay on one page."""

    blocks: tuple[Block, ...]


class Slot(Struct, frozen=True, kw_only=True):
    """A place to sign. `field` names the empty signature field and matches [A-Za-z0-9_]+."""

    field: str
    role: str
    hint: str = "(Ký, ghi rõ họ tên)"
    date: str = ""


class Signatures(Block, frozen=True, kw_only=True):
    """Frames to sign in, from left to right in printed order, at most three in a row."""

    slots: tuple[Slot, ...]
    height: float = 58


class Rule(Block, frozen=True, kw_only=True):
    dotted: bool = False


class Gap(Block, frozen=True, kw_only=True):
    height: float = 6


class PageBreak(Block, frozen=True, kw_only=True):
    pass


class Foot(Struct, frozen=True, kw_only=True):
    """What every sheet ends with: system, owner, where to verify, when and by whom made (NĐ 137/2024 Đ5)."""

    owner: str
    person: str
    at: Instant
    code: str = ""
    verify_url: str = ""
    system: str = "Lành"
    note: str = "Bản giấy chuyển đổi từ bản điện tử"


class PaperDocument(Struct, frozen=True, kw_only=True):
    """A whole paper. The same value always renders to the same bytes."""

    title: str
    author: str
    created_at: Instant
    blocks: tuple[Block, ...]
    size: PageSize = A4
    foot: Foot | None = None
    running: str = ""  # Head of the second and later pages.
    stamp: str = ""  # Large and pale across each page: "CẤP LẠI", "BẢN CHẠY THỬ".
    attachments: tuple[Attachment, ...] = ()
