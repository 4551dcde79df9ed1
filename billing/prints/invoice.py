"""The paper view of an invoice, drawn from the archived XML and carrying it."""

from xml.etree import ElementTree

from billing.invoices.rules import printed_number
from kernel.clock import Instant
from kernel.money import format_number
from kernel.paper.blocks import (
    Attachment,
    Block,
    Code,
    Column,
    Columns,
    Fields,
    Gap,
    PaperDocument,
    Paragraph,
    Row,
    Rule,
    Table,
    Title,
    Value,
)

_DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
_LINES = (
    Column(title="STT", share=0.6, align="center"),
    Column(title="Tên hàng hóa, dịch vụ", share=5),
    Column(title="ĐVT", share=1, align="center"),
    Column(title="Số lượng", share=1, align="right"),
    Column(title="Đơn giá", share=1.6, align="right"),
    Column(title="Thuế suất", share=1, align="center"),
    Column(title="Thành tiền", share=1.7, align="right"),
)


def invoice_view(xml: bytes, *, made_at: Instant, demo: bool) -> PaperDocument:
    """Return the paper view of a coded invoice. `xml` was verified before it was archived."""
    root = ElementTree.fromstring(xml)  # noqa: S314  (checked by check_returned, entities refused there)
    general, title = _part(root, "TTChung"), root.findtext(".//THDon", "")
    number = printed_number(int(general.findtext("SHDon", "0")))
    symbol = f"{general.findtext('KHMSHDon')}{general.findtext('KHHDon')}"
    seller = root.findtext(".//NBan/Ten", "")
    blocks: tuple[Block, ...] = (
        _head(root, symbol, number),
        Title(text=title.upper(), below=_date_line(general)),
        *_related(general),
        Rule(),
        Fields(rows=_seller(_part(root, "NDHDon/NBan"))),
        Rule(dotted=True),
        Fields(rows=_buyer(_part(root, "NDHDon/NMua"), general)),
        Gap(height=6),
        Table(columns=_LINES, rows=tuple(_line(line) for line in root.iter("HHDVu"))),
        Fields(rows=_totals(_part(root, "NDHDon/TToan"))),
        Gap(height=10),
        Columns(left=_signed_box(root, "NBan", "NGƯỜI BÁN HÀNG", seller), right=_authority_box(root)),
        Gap(height=14),
        Paragraph(
            text="Bản thể hiện của hóa đơn điện tử. Bản gốc là tệp XML đính kèm trong tệp này.",
            align="center",
            size=8,
        ),
    )
    return PaperDocument(
        title=f"{title} {symbol} {number}",
        author=seller,
        created_at=made_at,
        blocks=blocks,
        stamp="BẢN CHẠY THỬ" if demo else "",
        attachments=(Attachment(f"{symbol}-{number}.xml", xml, "Hóa đơn điện tử", "text/xml"),),
    )


def _head(root: ElementTree.Element, symbol: str, number: str) -> Block:
    code = root.findtext("MCCQT", "")
    left: list[Block] = [Paragraph(text=root.findtext(".//NBan/Ten", ""), bold=True)]
    left += [Paragraph(text=f"Mã của cơ quan thuế: {code}", size=8.5)] if code else []
    left += [Paragraph(text=f"Ký hiệu: {symbol}", bold=True), Paragraph(text=f"Số: {number}", bold=True)]
    lookup = Code(text=root.findtext("DLQRCode", ""), side=78, align="right")
    return Columns(left=tuple(left), right=(lookup,), share=0.72)


def _date_line(general: ElementTree.Element) -> str:
    year, month, day = general.findtext("NLap", "--").split("-")
    return f"Ngày {day} tháng {month} năm {year}"


def _related(general: ElementTree.Element) -> tuple[Block, ...]:
    note = general.findtext("TTHDLQuan/GChu", "")
    return (Paragraph(text=note, align="center", slanted=True),) if note else ()


def _seller(seller: ElementTree.Element) -> tuple[tuple[Value, ...], ...]:
    return (
        (Value(label="Đơn vị bán hàng:", text=seller.findtext("Ten", "")),),
        (
            Value(label="Mã số thuế:", text=seller.findtext("MST", "")),
            Value(label="Điện thoại:", text=seller.findtext("SDThoai", "")),
        ),
        (Value(label="Địa chỉ:", text=seller.findtext("DChi", ""), bold=False),),
    )


def _buyer(buyer: ElementTree.Element, general: ElementTree.Element) -> tuple[tuple[Value, ...], ...]:
    def known(label: str, tag: str) -> tuple[Value, ...]:
        return (Value(label=label, text=buyer.findtext(tag, "")),) if buyer.findtext(tag) else ()

    rows = [
        known("Họ tên người mua:", "HVTNMHang"),
        known("Tên đơn vị:", "Ten"),
        known("Mã số thuế:", "MST") + known("Mã QHNS:", "MDVQHNSach") + known("CCCD:", "CCCDan"),
        known("Địa chỉ:", "DChi"),
        (
            *known("Mã người bệnh:", "MKHang"),
            Value(label="Hình thức thanh toán:", text=general.findtext("HTTToan", "")),
        ),
    ]
    rows += [
        (Value(label=f"{_LABELS.get(info.findtext('TTruong', ''), '')}:", text=info.findtext("DLieu", "")),)
        for info in general.iter("TTin")
        if info.findtext("TTruong", "") in _LABELS
    ]
    return tuple(row for row in rows if row)


_LABELS = {"MaPhieuThu": "Phiếu thu", "SoPhieuThu": "Số phiếu thu"}


def _line(line: ElementTree.Element) -> Row:
    return Row(
        cells=(
            line.findtext("STT", ""),
            line.findtext("THHDVu", ""),
            line.findtext("DVTinh", ""),
            line.findtext("SLuong", "").replace(".", ","),
            _money(line.findtext("DGia", "")),
            _rate(line.findtext("TSuat", "")),
            _money(line.findtext("ThTien", "")),
        )
    )


def _totals(totals: ElementTree.Element) -> tuple[tuple[Value, ...], ...]:
    rows: list[tuple[Value, ...]] = []
    if totals.find("TgTCThue") is not None:
        before, tax = totals.findtext("TgTCThue", ""), totals.findtext("TgTThue", "")
        rows.append(
            (
                Value(label="Cộng tiền hàng:", text=f"{_money(before)} ₫"),
                Value(label="Tiền thuế GTGT:", text=f"{_money(tax)} ₫"),
            )
        )
    rows.append(
        (Value(label="Tổng cộng tiền thanh toán:", text=f"{_money(totals.findtext('TgTTTBSo', ''))} ₫"),)
    )
    rows.append(
        (Value(label="Số tiền viết bằng chữ:", text=f"{totals.findtext('TgTTTBChu', '')}.", bold=False),)
    )
    return tuple(rows)


def _signed_box(root: ElementTree.Element, place: str, role: str, who: str) -> tuple[Block, ...]:
    at = root.findtext(f"DSCKS/{place}/{_DSIG}Signature/{_DSIG}Object//SigningTime", "")
    signed = ((Value(label="Ký bởi:", text=who),), (Value(label="Ký lúc:", text=_moment(at)),))
    return Paragraph(text=role, bold=True), Fields(rows=signed)


def _authority_box(root: ElementTree.Element) -> tuple[Block, ...]:
    if root.find(f"DSCKS/CQT/{_DSIG}Signature") is None:
        return ()
    return _signed_box(root, "CQT", "CƠ QUAN THUẾ CẤP MÃ", "Cơ quan thuế")


def _moment(text: str) -> str:
    """Write a local moment of the file: 21/11/2026 09:15."""
    day, _, clock = text.partition("T")
    year, month, number = day.split("-") if day.count("-") == 2 else ("", "", "")
    return f"{number}/{month}/{year} {clock[:5]}" if year else ""


def _money(text: str) -> str:
    whole, _, rest = text.partition(".")
    return (format_number(int(whole)) if whole else "") + (f",{rest}" if rest else "")


def _rate(text: str) -> str:
    return text or "—"


def _part(root: ElementTree.Element, path: str) -> ElementTree.Element:
    found = root.find(f".//{path}")
    assert found is not None, "checked before it was archived"
    return found
