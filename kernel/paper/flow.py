"""The flow of a page: a pen that moves down, breaks lines and turns pages.

Coordinates are points from the lower left corner.
"""

from kernel.clock import local
from kernel.paper import fonts, marks
from kernel.paper.blocks import Align, Foot, PageSize
from kernel.paper.fonts import Face
from kernel.paper.pdf import Field, Sheet

FACES = {"FSig": fonts.regular, "FBold": fonts.bold}
REGULAR, BOLD = "FSig", "FBold"
LEADING = 1.32  # Stacked marks (Ễ, Ặ) need the room.
_ONE_LINE = 64  # Letters worth measuring as a whole before they are broken.
_ROLL = 14_000.0  # The tallest page the format allows is 14 400 points.
_FOOT_HEIGHT, _FOOT_QR = 44.0, 38.0


def wrap(text: str, face: Face, size: float, width: float, *, first: float = 0) -> list[str]:
    """Break a printable text into lines no wider than `width`; the first one starts `first` points in."""
    limit, room = width * 1000 / size, (width - first) * 1000 / size
    units = face.units
    if len(text) <= _ONE_LINE and "\n" not in text and units(text) <= room:
        return [text]
    space, lines = units(" "), list[str]()
    for part in text.split("\n"):
        words, used = list[str](), 0
        for word in part.split(" "):
            wide = units(word)
            if words and used + space + wide > room:
                lines.append(" ".join(words))
                words, used, room = [], 0, limit
            elif not words and wide > room and room < limit:
                lines.append("")
                room = limit
            if wide > room:
                *whole, word = _cut(word, face, room)
                lines.extend(whole)
                wide = units(word)
            used += wide + (space if words else 0)
            words.append(word)
        lines.append(" ".join(words))
        room = limit
    return lines


def _cut(word: str, face: Face, room: float) -> list[str]:
    """Cut a word that is wider than a line."""
    pieces, piece, used = list[str](), "", 0
    for letter in word:
        wide = face.units(letter)
        if piece and used + wide > room:
            pieces.append(piece)
            piece, used = "", 0
        piece, used = piece + letter, used + wide
    return [*pieces, piece]


class Flow:
    """Collects the operators of every page. `left` and `width` are the column being written."""

    def __init__(
        self, size: PageSize, *, foot: Foot | None = None, running: str = "", stamp: str = ""
    ) -> None:
        self.size, self.foot, self.running, self.stamp = size, foot, fonts.printable(running), stamp
        self.height = size.height or _ROLL
        self.left, self.width = size.left, size.width - size.left - size.right
        self.bottom = size.bottom + (_FOOT_HEIGHT if foot and size.height else 0)
        self.pages: list[list[str]] = []
        self.fields: list[Field] = []
        self.forms: dict[str, tuple[float, float, str]] = {}
        self.pictures: dict[str, tuple[bytes, int, int, bool]] = {}
        self.turn()

    def scratch(self, width: float) -> "Flow":
        """Return a flow without end to measure blocks in."""
        flow = Flow(PageSize(width, 0, 0, 0, 0, 0, self.size.text))
        flow.width = width
        return flow

    def turn(self) -> None:
        """Start a new page."""
        self.ops: list[str] = []
        self.pages.append(self.ops)
        self.y = self.top = self.height - self.size.top
        if self.running and len(self.pages) > 1:
            self.write(self.left, self.y - 8, self.running, size=8, grey=0.35)
            self.line(self.left, self.y - 12, self.left + self.width, self.y - 12, grey=0.6)
            self.y = self.top = self.y - 20

    def room(self) -> float:
        return self.y - self.bottom

    def ensure(self, height: float) -> None:
        """Turn the page if less than `height` is left; a block taller than a page starts on a fresh one."""
        if self.room() < height and self.y < self.top:
            self.turn()

    def write(
        self,
        x: float,
        y: float,
        text: str,
        *,
        face: str = REGULAR,
        size: float,
        align: Align = "left",
        grey: float = 0,
        slanted: bool = False,
    ) -> float:
        """Write one printable line, baseline at y, left end, middle or right end at x. Return its width."""
        width = FACES[face]().width(text, size)
        if align != "left":
            x -= width / 2 if align == "center" else width
        place = f"1 0 0.2 1 {x:.2f} {y:.2f} Tm" if slanted else f"{x:.2f} {y:.2f} Td"
        ink = f"{grey:g} g " if grey else ""
        back = " 0 g" if grey else ""
        self.ops.append(f"{ink}BT /{face} {size:g} Tf {place} <{FACES[face]().glyphs(text)}> Tj ET{back}")
        return width

    def write_lines(
        self, x: float, y: float, lines: list[str], *, face: str, size: float, leading: float
    ) -> None:
        """Write lines below each other, the first baseline at y."""
        glyphs = FACES[face]().glyphs
        body = " T* ".join(f"<{glyphs(line)}> Tj" for line in lines)
        self.ops.append(f"BT /{face} {size:g} Tf {leading:g} TL {x:.2f} {y:.2f} Td {body} ET")

    def line(
        self, x0: float, y0: float, x1: float, y1: float, *, grey: float = 0, dotted: bool = False
    ) -> None:
        dash, solid = ("[0.6 1.8] 0 d ", " [] 0 d") if dotted else ("", "")
        self.ops.append(f"q {dash}{grey:g} G 0.5 w {x0:.2f} {y0:.2f} m {x1:.2f} {y1:.2f} l S{solid} Q")

    def box(
        self, x: float, y: float, width: float, height: float, *, grey: float = 0, weight: float = 0.6
    ) -> None:
        self.ops.append(f"q {grey:g} G {weight:g} w {x:.2f} {y:.2f} {width:.2f} {height:.2f} re S Q")

    def qr(self, x: float, y: float, side: float, text: str) -> None:
        """Draw a QR code in the square at (x, y) without its quiet zone."""
        modules, drawing = marks.qr(text)
        name = next((name for name, form in self.forms.items() if form[2] == drawing), f"Q{len(self.forms)}")
        self.forms[name] = (modules, modules, drawing)
        scale = side / modules
        self.ops.append(f"q {scale:.4f} 0 0 {scale:.4f} {x:.2f} {y:.2f} cm /{name} Do Q")

    def bars(self, x: float, y: float, width: float, height: float, text: str) -> None:
        """Draw a Code 128 symbol."""
        modules, drawing = marks.code128(text)
        self.ops.append(f"q {width / modules:.4f} 0 0 {height:.2f} {x:.2f} {y:.2f} cm {drawing} Q")

    def field(self, name: str, x: float, y: float, width: float, height: float) -> None:
        """Leave an empty signature field on this page."""
        self.fields.append(Field(name, len(self.pages) - 1, (x, y, x + width, y + height)))

    def finish(self) -> list[Sheet]:
        """Draw feet and stamps, cut a roll to its length, and return the pages."""
        if not self.size.height:
            return [self._roll()]
        sheets = []
        for number, ops in enumerate(self.pages, start=1):
            self.ops = list[str]()
            if self.stamp:
                self._draw_stamp()
            behind, self.ops = self.ops, []
            self._draw_foot(number, len(self.pages))
            sheets.append(Sheet(self.size.width, self.height, "\n".join([*behind, *ops, *self.ops])))
        return sheets

    def _roll(self) -> Sheet:
        if self.foot:
            self._roll_foot(self.foot)
        used = self.height - self.y + self.size.bottom
        shift = used - self.height
        self.fields = [
            Field(field.name, 0, (x0, y0 + shift, x1, y1 + shift))
            for field in self.fields
            for x0, y0, x1, y1 in [field.rectangle]
        ]
        return Sheet(self.size.width, used, f"1 0 0 1 0 {shift:.2f} cm\n" + "\n".join(self.ops))

    def _draw_stamp(self) -> None:
        text = fonts.printable(self.stamp)
        face = fonts.bold()
        size = min(64.0, self.size.width * 1000 / face.units(text) * 0.9)
        x, y = self.size.width / 2, self.height / 2
        back = face.width(text, size) / 2
        self.ops.append(
            f"q 0.93 g 0.8192 0.5736 -0.5736 0.8192 {x:.2f} {y:.2f} cm "
            f"BT /{BOLD} {size:.1f} Tf {-back:.2f} 0 Td <{face.glyphs(text)}> Tj ET Q"
        )

    def _foot_lines(self, foot: Foot) -> list[str]:
        made = f"Lập lúc {local(foot.at):%H:%M ngày %d/%m/%Y} bởi {foot.person}"
        lines = [f"{foot.system} · {foot.owner}", made]
        if foot.code:
            lines.append(
                f"Mã tra cứu {foot.code} · {foot.verify_url}"
                if foot.verify_url
                else f"Mã tra cứu {foot.code}"
            )
        return [fonts.printable(line) for line in lines]

    def _draw_foot(self, number: int, count: int) -> None:
        foot, left, right = self.foot, self.size.left, self.size.width - self.size.right
        if foot is None:
            return
        base = self.size.bottom
        self.line(left, base + _FOOT_HEIGHT - 3, right, base + _FOOT_HEIGHT - 3, grey=0.6)
        x = left
        if foot.verify_url:
            self.qr(left, base, _FOOT_QR, foot.verify_url)
            x += _FOOT_QR + 8
        page = f"Trang {number}/{count}"
        self.write(right, base + 29, page, size=8, align="right", grey=0.2)
        y, room = base + 29, right - x - fonts.regular().width(page, 8) - 10
        for line in [*self._foot_lines(foot), fonts.printable(foot.note)]:
            fit = (
                room * 1000 / max(fonts.regular().units(line), 1)
            )  # An address is shown whole, smaller if need be.
            self.write(x, y, line, size=min(7.5, fit), grey=0.2)
            y, room = y - 9.5, right - x

    def _roll_foot(self, foot: Foot) -> None:
        self.line(self.left, self.y - 4, self.left + self.width, self.y - 4, dotted=True)
        self.y -= 8
        middle = self.left + self.width / 2
        if foot.verify_url:
            self.qr(middle - 38, self.y - 76, 76, foot.verify_url)
            self.y -= 80
        for line in [*self._foot_lines(foot), foot.note]:
            for part in wrap(fonts.printable(line), fonts.regular(), 7, self.width):
                self.write(middle, self.y - 7, part, size=7, align="center")
                self.y -= 9
