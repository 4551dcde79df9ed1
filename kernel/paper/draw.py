"""How each block looks. One function per kind of block; each moves the flow down by what it drew."""

from collections.abc import Callable
from typing import Any

from kernel.paper import blocks as b
from kernel.paper import fonts
from kernel.paper.flow import BOLD, FACES, LEADING, REGULAR, Flow, wrap
from kernel.paper.fonts import printable
from kernel.paper.tables import draw_table

_TICK = 0.82  # Side of a tick box in units of the text size.


def draw(flow: Flow, blocks: tuple[b.Block, ...]) -> None:
    """Draw blocks below each other."""
    for block in blocks:
        _DRAW[type(block)](flow, block)


def height_of(flow: Flow, blocks: tuple[b.Block, ...], width: float) -> float:
    """Return how tall blocks are in a column of this width."""
    trial = flow.scratch(width)
    draw(trial, blocks)
    return trial.top - trial.y


def _letterhead(flow: Flow, block: b.Letterhead) -> None:
    size = flow.size.text - 0.5
    share = 0.42 if block.motto else 0.36
    width = flow.width * share
    middle = flow.left + width / 2
    lines = [(printable(block.authority).upper(), REGULAR), (printable(block.facility).upper(), BOLD)]
    y = flow.y
    for text, face in [*lines, (printable(block.unit), REGULAR)]:
        for line in wrap(text, FACES[face](), size, width) if text else []:
            y -= size * 1.3
            flow.write(middle, y, line, face=face, size=size, align="center")
        if face == BOLD:
            flow.line(middle - 28, y - 4, middle + 28, y - 4)
            y -= 4
    right = flow.left + flow.width
    lower = _motto(flow, flow.left + width, right, size) if block.motto else flow.y
    if block.title:
        _centre_title(flow, flow.left + width, right - flow.width * 0.27, block.title)
    for mark in block.marks:
        lower -= size * 1.3
        if block.motto:
            flow.write(
                flow.left + width + (flow.width - width) / 2,
                lower,
                printable(mark),
                size=size - 1,
                align="center",
            )
        else:
            flow.write(right, lower, printable(mark), size=size, align="right")
    if block.barcode:
        flow.bars(right - 120, lower - 30, 120, 24, block.barcode)
        flow.write(right - 60, lower - 38, block.barcode, size=7, align="center")
        lower -= 38
    flow.y = min(y, lower) - size


def _motto(flow: Flow, left: float, right: float, size: float) -> float:
    """Draw quốc hiệu and tiêu ngữ as NĐ 30/2020 sets them."""
    middle, face = left + (right - left) / 2, fonts.bold()
    first, second = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc"
    size = min(size, (right - left) * 1000 / face.units(first))
    flow.write(middle, flow.y - size * 1.3, first, face=BOLD, size=size, align="center")
    flow.write(middle, flow.y - size * 2.6, second, face=BOLD, size=size, align="center")
    half = face.width(second, size) / 2
    y = flow.y - size * 2.6 - 4
    flow.line(middle - half, y, middle + half, y)
    return y - 2


def _centre_title(flow: Flow, left: float, right: float, text: str) -> None:
    size, y = flow.size.text + 4, flow.y - 6
    for line in wrap(printable(text), fonts.bold(), size, right - left - 8):
        y -= size * 1.25
        flow.write((left + right) / 2, y, line, face=BOLD, size=size, align="center")


def _title(flow: Flow, block: b.Title) -> None:
    size = flow.size.text + 4.5
    lines = wrap(printable(block.text), fonts.bold(), size, flow.width)
    flow.ensure(len(lines) * size * 1.3 + 60)
    x = flow.left + {"left": 0.0, "center": flow.width / 2, "right": flow.width}[block.align]
    flow.y -= 4
    for line in lines:
        flow.y -= size * 1.25
        flow.write(x, flow.y, line, face=BOLD, size=size, align=block.align)
    small = flow.size.text - 0.5
    for line in wrap(printable(block.below), fonts.regular(), small, flow.width) if block.below else []:
        flow.y -= small * 1.4
        flow.write(x, flow.y, line, size=small, align=block.align)
    flow.y -= 10


def _heading(flow: Flow, block: b.Heading) -> None:
    size = flow.size.text + (0.75 if block.level == 1 else 0)
    flow.ensure(size * 4)
    flow.y -= 3
    for line in wrap(printable(block.text), fonts.bold(), size, flow.width):
        flow.y -= size * LEADING
        flow.write(flow.left, flow.y + size * 0.25, line, face=BOLD, size=size)
    flow.y -= 3


def _paragraph(flow: Flow, block: b.Paragraph) -> None:
    size = block.size or flow.size.text
    leading = size * LEADING
    indent = 0.0
    label = printable(block.label)
    text = printable(block.text)
    if label:
        flow.ensure(leading * (2 if text else 1))
        indent = _label(flow, label, size)
    face = BOLD if block.bold else REGULAR
    if text:
        _running_text(flow, wrap(text, FACES[face](), size, flow.width, first=indent), block, indent=indent)
    else:
        _blank_lines(flow, indent, leading, max(block.blank_lines, 1))
    flow.y -= size * 0.3


def _label(flow: Flow, label: str, size: float) -> float:
    """Write a bold label at the start of the line; return where the text after it begins."""
    lines = wrap(label, fonts.bold(), size, flow.width)
    for line in lines[:-1]:
        flow.write(flow.left, flow.y - size, line, face=BOLD, size=size)
        flow.y -= size * LEADING
    return flow.write(flow.left, flow.y - size, lines[-1], face=BOLD, size=size) + size * 0.35


def _running_text(flow: Flow, lines: list[str], block: b.Paragraph, *, indent: float) -> None:
    size = block.size or flow.size.text
    leading, face = size * LEADING, BOLD if block.bold else REGULAR
    if lines and indent:
        if lines[0]:
            flow.write(
                flow.left + indent, flow.y - size, lines[0], face=face, size=size, slanted=block.slanted
            )
        flow.y -= leading
        lines = lines[1:]
    x = flow.left + {"left": 0.0, "center": flow.width / 2, "right": flow.width}[block.align]
    while lines:
        fit = max(int(flow.room() / leading), 0)
        if fit < len(lines) and (fit < 2 or len(lines) - fit < 2):
            fit = fit - 1 if fit > 2 else 0  # No line of a paragraph stands alone on a page.
        if fit == 0 and flow.y < flow.top:
            flow.turn()
            continue
        part, lines = lines[: max(fit, 1)], lines[max(fit, 1) :]
        if block.align == "left" and not block.slanted:
            flow.write_lines(x, flow.y - size, part, face=face, size=size, leading=leading)
        else:
            for number, line in enumerate(part):
                y = flow.y - size - number * leading
                flow.write(x, y, line, face=face, size=size, align=block.align, slanted=block.slanted)
        flow.y -= leading * len(part)


def _blank_lines(flow: Flow, indent: float, leading: float, count: int) -> None:
    for number in range(count):
        flow.ensure(leading)
        start = flow.left + (indent if number == 0 else 0)
        flow.line(start, flow.y - leading * 0.8, flow.left + flow.width, flow.y - leading * 0.8, dotted=True)
        flow.y -= leading


def _fields(flow: Flow, block: b.Fields) -> None:
    size = flow.size.text
    for row in block.rows:
        total, gap = sum(value.share for value in row), 8.0
        room = flow.width - gap * (len(row) - 1)
        widths = [room * value.share / total for value in row]
        cells = [_cell(value, width, size) for value, width in zip(row, widths, strict=True)]
        height = max(len(lines) for _, lines, _ in cells) * size * LEADING + (
            3 if any(v.boxes for v in row) else 1
        )
        flow.ensure(height)
        x = flow.left
        for value, (label, lines, indent), width in zip(row, cells, widths, strict=True):
            _draw_value(flow, x, value, label, lines, indent, width)
            x += width + gap
        flow.y -= height


def _cell(value: b.Value, width: float, size: float) -> tuple[str, list[str], float]:
    label = printable(value.label)
    indent = fonts.regular().width(label, size) + size * 0.3 if label else 0
    text = printable(value.text)
    if value.boxes or not text:
        return label, [""], indent
    return (
        label,
        wrap(text, fonts.bold() if value.bold else fonts.regular(), size, width, first=indent),
        indent,
    )


def _draw_value(
    flow: Flow, x: float, value: b.Value, label: str, lines: list[str], indent: float, width: float
) -> None:
    size = flow.size.text
    y = flow.y - size
    flow.write(x, y, label, size=size)
    if value.boxes:
        _boxes(flow, x + indent, y, printable(value.text), value.boxes)
    elif not value.text:
        flow.line(x + indent, y - 2, x + width, y - 2, dotted=True)
    for number, line in enumerate(lines):
        if line:
            start = x + (indent if number == 0 else 0)
            flow.write(
                start, y - number * size * LEADING, line, face=BOLD if value.bold else REGULAR, size=size
            )


def _boxes(flow: Flow, x: float, y: float, text: str, count: int) -> None:
    side = flow.size.text * 1.2
    for number in range(count):
        flow.box(x + number * side, y - side * 0.25, side, side)
        if number < len(text):
            flow.write(
                x + (number + 0.5) * side,
                y,
                text[number],
                face=BOLD,
                size=flow.size.text - 0.5,
                align="center",
            )


def _choices(flow: Flow, block: b.Choices) -> None:
    size = flow.size.text
    leading, side = size * LEADING + 1, size * _TICK
    flow.ensure(leading)
    x = flow.left
    if block.label:
        x += flow.write(x, flow.y - size, printable(block.label), size=size) + size * 0.8
    for option in block.options:
        text = printable(option.text)
        wide = side + 4 + fonts.regular().width(text, size)
        if x + wide > flow.left + flow.width and x > flow.left + 14:
            flow.y -= leading
            flow.ensure(leading)
            x = flow.left + 14
        _tick_box(flow, x, flow.y - size - size * 0.08, side, on=option.on)
        flow.write(x + side + 4, flow.y - size, text, size=size)
        x += wide + size * 1.4
    flow.y -= leading + 1


def _tick_box(flow: Flow, x: float, y: float, side: float, *, on: bool) -> None:
    flow.box(x, y, side, side)
    if on:
        flow.ops.append(
            f"q 1.3 w 1 J {x + side * 0.2:.2f} {y + side * 0.5:.2f} m "
            f"{x + side * 0.43:.2f} {y + side * 0.22:.2f} l {x + side * 0.85:.2f} {y + side * 0.85:.2f} l S Q"
        )


def _code(flow: Flow, block: b.Code) -> None:
    size = max(flow.size.text - 2, 7)
    height = block.side if block.kind == "qr" else 30.0
    caption = wrap(printable(block.caption), fonts.regular(), size, flow.width) if block.caption else []
    flow.ensure(height + len(caption) * size * LEADING + 8)
    x = (
        flow.left
        + {"left": 0.0, "center": (flow.width - block.side) / 2, "right": flow.width - block.side}[
            block.align
        ]
    )
    flow.y -= height + 2
    if block.kind == "qr":
        flow.qr(x, flow.y, block.side, block.text)
    else:
        flow.bars(x, flow.y, block.side, height, block.text)
    for line in caption:
        flow.y -= size * LEADING
        flow.write(x + block.side / 2, flow.y, line, size=size, align="center")
    flow.y -= 6


def _picture(flow: Flow, block: b.Picture) -> None:
    wide, high = block.pixels
    flow.ensure(min(flow.width * high / wide, flow.top - flow.bottom))
    scale = min(flow.width / wide, flow.room() / high)
    width, height = wide * scale, high * scale
    flow.y -= height
    name = f"P{len(flow.pictures)}"
    flow.pictures[name] = (block.jpeg, wide, high, block.grey)
    x = flow.left + (flow.width - width) / 2
    flow.ops.append(f"q {width:.2f} 0 0 {height:.2f} {x:.2f} {flow.y:.2f} cm /{name} Do Q")


def _columns(flow: Flow, block: b.Columns) -> None:
    gap = 14.0
    left, width, lowest = flow.left, flow.width, flow.y
    first = (width - gap) * block.share
    sides = ((left, first, block.left), (left + first + gap, width - gap - first, block.right))
    flow.ensure(max(height_of(flow, blocks, room) for _, room, blocks in sides))
    start = lowest = flow.y
    for x, room, blocks in sides:
        flow.left, flow.width, flow.y = x, room, start
        draw(flow, blocks)
        lowest = min(lowest, flow.y)
    flow.left, flow.width, flow.y = left, width, lowest


def _keep(flow: Flow, block: b.Keep) -> None:
    flow.ensure(height_of(flow, block.blocks, flow.width))
    draw(flow, block.blocks)


def _signatures(flow: Flow, block: b.Signatures) -> None:
    size = flow.size.text
    for start in range(0, len(block.slots), 3):
        slots = block.slots[start : start + 3]
        count = max(len(slots), 2)
        width = flow.width / count
        roles = [wrap(printable(slot.role), fonts.bold(), size, width - 8) for slot in slots]
        dated = any(slot.date for slot in slots)
        text = size * 1.35 * (max(map(len, roles)) + dated + any(slot.hint for slot in slots))
        flow.ensure(text + block.height + 12)
        top = flow.y - 2
        for index, slot in enumerate(slots):
            x = flow.left + width * (index + count - len(slots))
            _slot(flow, slot, roles[index], x, top - (size * 1.35 if dated and not slot.date else 0), width)
            box = min(width - 12, 190.0)
            y = top - text - block.height - 4
            flow.box(x + (width - box) / 2, y, box, block.height, grey=0.72, weight=0.5)
            flow.field(slot.field, x + (width - box) / 2, y, box, block.height)
        flow.y = top - text - block.height - 10


def _slot(flow: Flow, slot: b.Slot, role: list[str], x: float, y: float, width: float) -> None:
    size, middle = flow.size.text, x + width / 2
    if slot.date:
        y -= size * 1.35
        flow.write(middle, y, printable(slot.date), size=size - 0.5, align="center", slanted=True)
    for line in role:
        y -= size * 1.35
        flow.write(middle, y, line, face=BOLD, size=size, align="center")
    if slot.hint:
        flow.write(middle, y - size * 1.3, printable(slot.hint), size=size - 1, align="center", slanted=True)


def _rule(flow: Flow, block: b.Rule) -> None:
    flow.ensure(8)
    flow.line(flow.left, flow.y - 4, flow.left + flow.width, flow.y - 4, dotted=block.dotted)
    flow.y -= 8


def _gap(flow: Flow, block: b.Gap) -> None:
    flow.y -= block.height


def _page_break(flow: Flow, _: b.PageBreak) -> None:
    if flow.size.height:
        flow.turn()
    else:
        _rule(flow, b.Rule(dotted=True))


_DRAW: dict[type[b.Block], Callable[[Flow, Any], None]] = {
    b.Letterhead: _letterhead,
    b.Title: _title,
    b.Heading: _heading,
    b.Paragraph: _paragraph,
    b.Fields: _fields,
    b.Choices: _choices,
    b.Table: draw_table,
    b.Code: _code,
    b.Picture: _picture,
    b.Columns: _columns,
    b.Keep: _keep,
    b.Signatures: _signatures,
    b.Rule: _rule,
    b.Gap: _gap,
    b.PageBreak: _page_break,
}
