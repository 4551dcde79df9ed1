"""Tables: cells wrapped once, the head on every page, a row taller than the page continued on the next."""

from itertools import accumulate

from kernel.paper.blocks import Align, Row, Table
from kernel.paper.flow import BOLD, FACES, REGULAR, Flow, wrap
from kernel.paper.fonts import printable

_PAD = 3.0

Cells = list[tuple[float, float, list[str], Align]]  # x, width, lines, alignment


class _Grid:
    """Where the columns stand and how text stands in them."""

    def __init__(self, flow: Flow, table: Table) -> None:
        total = sum(column.share for column in table.columns)
        widths = [flow.width * column.share / total for column in table.columns]
        self.edges = [flow.left, *(flow.left + reached for reached in accumulate(widths))]
        self.size = table.size or flow.size.text - 1.5
        self.leading = self.size * 1.28
        self.lined = table.grid
        self.aligns: list[Align] = [column.align for column in table.columns]

    def cells(self, row: Row, *, head: bool = False) -> Cells:
        face = FACES[BOLD if row.bold or head else REGULAR]()
        cells: Cells = []
        at = 0
        for text, span in zip(row.cells, row.spans or (1,) * len(row.cells), strict=True):
            x, width = self.edges[at], self.edges[at + span] - self.edges[at]
            align: Align = "center" if head else self.aligns[at] if span == 1 else "left"
            cells.append((x, width, wrap(printable(text), face, self.size, width - 2 * _PAD), align))
            at += span
        return cells

    def height(self, cells: Cells) -> float:
        return max(len(lines) for _, _, lines, _ in cells) * self.leading + 2 * _PAD


def draw_table(flow: Flow, table: Table) -> None:
    """Draw the table; a page is turned between rows where one does not fit."""
    grid = _Grid(flow, table)
    rows = table.head or (Row(cells=tuple(column.title for column in table.columns)),)
    head = [grid.cells(row, head=True) for row in rows] if table.head or any(rows[0].cells) else []
    top = sum(grid.height(cells) for cells in head)
    flow.ensure(top + grid.leading * 2 + 2 * _PAD)
    _head(flow, grid, head)
    for row in table.rows:
        cells = grid.cells(row)
        height = grid.height(cells)
        if flow.room() < height and flow.size.height:
            cells = _continue(flow, grid, head, top, cells, bold=row.bold)
        _draw_cells(flow, grid, cells, bold=row.bold)
    flow.y -= 5


def _continue(flow: Flow, grid: _Grid, head: list[Cells], top: float, cells: Cells, *, bold: bool) -> Cells:
    """Turn the page, first filling it where even a whole one is too short for the row. Return the rest."""
    page = flow.height - flow.size.top - flow.bottom - top - 20
    while grid.height(cells) > flow.room():
        if grid.height(cells) > page and (fit := int((flow.room() - 2 * _PAD) / grid.leading)) >= 3:
            part: Cells = [(x, width, lines[:fit], align) for x, width, lines, align in cells]
            _draw_cells(flow, grid, part, bold=bold)
            cells = [(x, width, lines[fit:] or [""], align) for x, width, lines, align in cells]
        flow.turn()
        _head(flow, grid, head)
    return cells


def _head(flow: Flow, grid: _Grid, head: list[Cells]) -> None:
    for cells in head:
        height = grid.height(cells)
        if grid.lined:
            left, width = grid.edges[0], grid.edges[-1] - grid.edges[0]
            flow.ops.append(f"0.93 g {left:.2f} {flow.y - height:.2f} {width:.2f} {height:.2f} re f 0 g")
        _draw_cells(flow, grid, cells, bold=True)


def _draw_cells(flow: Flow, grid: _Grid, cells: Cells, *, bold: bool) -> None:
    height, face = grid.height(cells), BOLD if bold else REGULAR
    for x, width, lines, align in cells:
        y = flow.y - _PAD - grid.size * 0.93
        if align == "left":
            flow.write_lines(x + _PAD, y, lines, face=face, size=grid.size, leading=grid.leading)
        else:
            place = x + width / 2 if align == "center" else x + width - _PAD
            for number, line in enumerate(lines):
                flow.write(place, y - number * grid.leading, line, face=face, size=grid.size, align=align)
    bottom = flow.y - height
    if grid.lined:
        boxes = " ".join(f"{x:.2f} {bottom:.2f} {width:.2f} {height:.2f} re" for x, width, _, _ in cells)
        flow.ops.append(f"q 0.45 G 0.5 w {boxes} S Q")
    else:
        flow.line(grid.edges[0], bottom, grid.edges[-1], bottom, grey=0.75)
    flow.y = bottom
