"""Rendering a 2-page note and a 30-page record as PDF/A-3b, beside a plain reportlab canvas of the same text.

The floor embeds a subset per document and is no PDF/A: no metadata, attachment, signature fields or foot.
"""

import gc
import io
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from kernel.paper import blocks as b
from kernel.paper import fonts
from kernel.paper.render import page_count, render

STORY = (
    "Người bệnh vào viện trong tình trạng tỉnh, tiếp xúc tốt, da niêm mạc hồng, không phù, không xuất huyết. "
    "Sốt 38,5 độ, ho khan nhiều về đêm, đau ngực phải khi hít sâu, khó thở nhẹ khi gắng sức. Phổi phải rì rào phế "
    "nang giảm, có ran ẩm ở đáy. Chẩn đoán: viêm phổi thùy dưới phải (J18.1), tăng huyết áp vô căn (I10). "
)
ROW = (
    "21/11/2026 08:30",
    "Amoxicillin + acid clavulanic 875 mg/125 mg",
    "Uống 1 viên x 2 lần/ngày, sau ăn",
    "14",
    "viên",
)
HEAD = ("Thời gian", "Thuốc, dịch vụ", "Cách dùng", "SL", "ĐVT")
SHARES = (1.0, 2.1, 2.0, 0.4, 0.5)
PARAGRAPHS, ROWS = 9, 22
MOMENT = datetime(2026, 11, 21, 7, 5, tzinfo=UTC)


def our_paper(parts: int) -> b.PaperDocument:
    """A paper with everything a signed one has."""
    columns = tuple(b.Column(title=title, share=share) for title, share in zip(HEAD, SHARES, strict=True))
    content: list[b.Block] = []
    for number in range(parts):
        if number:
            content.append(b.PageBreak())
        content.append(b.Heading(text=f"BỆNH ÁN - phần {number + 1}"))
        content += [b.Paragraph(text=STORY) for _ in range(PARAGRAPHS)]
        content.append(b.Table(columns=columns, rows=(b.Row(cells=ROW),) * ROWS, size=8))
    content.append(
        b.Signatures(slots=(b.Slot(field="bac_si", role="BÁC SĨ ĐIỀU TRỊ", date="Ngày 21 tháng 11"),))
    )
    return b.PaperDocument(
        title="Bệnh án",
        author="BS. Trần Thị Ánh",
        created_at=MOMENT,
        blocks=tuple(content),
        foot=b.Foot(
            owner="Bệnh viện Đa khoa Ví Dụ",
            person="BS. Trần Thị Ánh",
            at=MOMENT,
            code="K7QM-2X9D-4HTR-8WNC",
            verify_url="https://bv.example/v/K7QM-2X9D-4HTR-8WNC",
        ),
        running="Bệnh án · NGUYỄN VĂN A · BN26000001",
        attachments=(b.Attachment("benh-an.json", b'{"ma":"01/BV1"}' * 200, "Dữ liệu gốc"),),
    )


class PlainCanvas:
    """The same text on reportlab's canvas with line breaking of our own, nothing else."""

    def __init__(self) -> None:
        if "Plain" not in pdfmetrics.getRegisteredFontNames():
            for name, face in (("Plain", fonts.REGULAR), ("PlainBold", fonts.BOLD)):
                pdfmetrics.registerFont(TTFont(name, str(fonts.FOLDER / f"{face}.ttf")))
        self.buffer = io.BytesIO()
        self.canvas = Canvas(self.buffer, pagesize=A4)
        self.canvas.setLineWidth(0.4)
        self.y, self.widths = 800.0, dict[tuple[str, float], float]()

    def width(self, word: str, size: float) -> float:
        known = self.widths.get((word, size))
        if known is None:
            known = self.widths[word, size] = pdfmetrics.stringWidth(word, "Plain", size)
        return known

    def wrap(self, text: str, size: float, room: float) -> list[str]:
        space, line, used, lines = self.width(" ", size), list[str](), 0.0, list[str]()
        for word in text.split():
            wide = self.width(word, size)
            if line and used + space + wide > room:
                lines.append(" ".join(line))
                line, used = [word], wide
            else:
                used += wide + (space if line else 0)
                line.append(word)
        return [*lines, " ".join(line)]

    def turn(self) -> None:
        self.canvas.setFont("Plain", 8)
        self.canvas.drawString(40, 20, f"Trang {self.canvas.getPageNumber()}")
        self.canvas.showPage()
        self.y = 800.0

    def text(self, x: float, y: float, lines: list[str], font: str, size: float, leading: float) -> None:
        written = self.canvas.beginText(x, y)
        written.setFont(font, size, leading)
        for line in lines:
            written.textLine(line)
        self.canvas.drawText(written)

    def paragraph(self, text: str, font: str = "Plain", size: float = 10.5, leading: float = 13.9) -> None:
        lines = self.wrap(text, size, 507)
        if self.y - leading * len(lines) < 80:
            self.turn()
        self.text(50, self.y, lines, font, size, leading)
        self.y -= leading * len(lines) + 4

    def row(self, cells: tuple[str, ...], font: str = "Plain") -> None:
        total = sum(SHARES)
        columns = [507 * share / total for share in SHARES]
        wrapped = [self.wrap(text, 8, wide - 6) for text, wide in zip(cells, columns, strict=True)]
        height = 10.2 * max(map(len, wrapped)) + 6
        if self.y - height < 80:
            self.turn()
            self.row(HEAD, "PlainBold")
        x = 50.0
        for lines, wide in zip(wrapped, columns, strict=True):
            self.text(x + 3, self.y - 10, lines, font, 8, 10.2)
            self.canvas.rect(x, self.y - height, wide, height)
            x += wide
        self.y -= height


def plain(parts: int) -> bytes:
    page = PlainCanvas()
    for number in range(parts):
        if number:
            page.turn()
        page.paragraph(f"BỆNH ÁN - phần {number + 1}", "PlainBold", 11.25, 15)
        for _ in range(PARAGRAPHS):
            page.paragraph(STORY)
        page.row(HEAD, "PlainBold")
        for _ in range(ROWS):
            page.row(ROW)
    page.turn()
    page.canvas.save()
    return page.buffer.getvalue()


def cpu_ms(work: Callable[[], Any], seconds: float) -> float:
    """Return the CPU time of one call, in milliseconds, over about `seconds`."""
    calls, begin = 0, time.process_time()
    while (spent := time.process_time() - begin) < seconds or calls < 3:
        work()
        calls += 1
    return spent / calls * 1000


def measure(name: str, parts: int, budget: float, rounds: int = 5) -> dict[str, Any]:
    """Measure both in turns, so that a busy machine weighs on both; the median of the rounds counts."""
    paper = our_paper(parts)
    pages = page_count(render(paper))
    ours, floors = [], []
    gc.collect()
    for _ in range(rounds):
        floors.append(cpu_ms(lambda: plain(parts), 0.25))
        ours.append(cpu_ms(lambda: render(paper), 0.25))
    figure, floor = statistics.median(ours), statistics.median(floors)
    return {
        "name": f"{name}, {pages} pages, PDF/A-3b",
        "cpu_ms": figure,
        "floor": floor,
        "floor_text": f"{floor:.3g} plain reportlab canvas",
        "ratio": figure / floor,
        "budget": budget,
    }


def main() -> list[dict[str, Any]]:
    render(our_paper(1))  # Fonts are read once per process.
    return [measure("note", 1, 12.0), measure("record", 15, 100.0)]
