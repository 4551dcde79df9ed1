"""Service names are health data: an invoice shows groups of cost unless the buyer wants more."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal

from billing.invoices.content import Line

REST = "Chi phí khám bệnh, chữa bệnh khác"
PREPAID = "Dịch vụ khám bệnh, chữa bệnh trả trước"
_NAMES = (
    ("KB", "Khám bệnh", ("13",)),
    ("XN", "Xét nghiệm", ("1",)),
    ("CDHA", "Chẩn đoán hình ảnh, thăm dò chức năng", ("2", "3")),
    ("TTPT", "Phẫu thuật, thủ thuật", ("8", "9", "18")),
    ("GB", "Ngày giường bệnh", ("14", "15", "16")),
    ("THUOC", "Thuốc, máu và chế phẩm máu", ("4", "5", "6", "7", "17")),
    ("VT", "Vật tư y tế", ("10", "11")),
    ("VC", "Vận chuyển người bệnh", ("12",)),
)


def group_lines(shares: Iterable[tuple[str, Decimal]], total: int) -> tuple[Line, ...]:
    """Return one line for each group of cost (MA_NHOM) with what the patient pays of it, whole đồng.

    All but the last line are rounded; the last takes the rest, so the lines add up to `total`.
    """
    sums: dict[str, Decimal] = {}
    for group, share in shares:
        code = _code(group)
        sums[code] = sums.get(code, Decimal(0)) + share
    ordered = [
        (code, name) for code, name, _ in (*_NAMES, ("KHAC", REST, ())) if sums.get(code, Decimal(0)) > 0
    ]
    lines: list[Line] = []
    left = total
    for code, name in ordered:
        last = code == ordered[-1][0]
        amount = left if last else min(left, int(sums[code].quantize(Decimal(1), ROUND_HALF_UP)))
        left -= amount
        if amount:
            lines.append(Line(name, amount, code))
    assert sum(line.amount for line in lines) == (total if ordered else 0), "lines add up"
    return tuple(lines)


def one_line(amount: int, *, prepaid: bool = False) -> tuple[Line, ...]:
    """Return a single line for money whose groups are not known, or were invoiced in part before."""
    return (Line(PREPAID if prepaid else REST, amount, "TT" if prepaid else "KHAC"),)


def merge_lines(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Add lines of many people up by their code, in the order the codes appear."""
    merged: dict[tuple[str, str], int] = {}
    for line in lines:
        key = (line.code, line.name)
        merged[key] = merged.get(key, 0) + line.amount
    return tuple(Line(name, amount, code) for (code, name), amount in merged.items())


def _code(group: str) -> str:
    return next((code for code, _, groups in _NAMES if group in groups), "KHAC")
