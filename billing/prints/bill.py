"""Bảng kê chi phí khám bệnh, chữa bệnh, form 01/KBCB (QĐ 697/QĐ-BYT), also at 0 đồng."""

from datetime import date
from decimal import Decimal

from msgspec import Struct, json

from billing.bills.views import AccountState, BillLine, BillView
from billing.prints.receipt import SEAL_FIELD
from kernel.clock import Instant, format_day, format_day_in_words, format_instant, local_day
from kernel.facility import Facility
from kernel.money import format_number, vnd_in_words
from kernel.paper.blocks import (
    MM,
    Attachment,
    Block,
    Choice,
    Choices,
    Column,
    Columns,
    Fields,
    Foot,
    Heading,
    Keep,
    PageSize,
    PaperDocument,
    Paragraph,
    Row,
    Signatures,
    Slot,
    Table,
    Title,
    Value,
)

_Line = tuple[Value, ...]
A4_LANDSCAPE = PageSize(297 * MM, 210 * MM, 14 * MM, 12 * MM, 10 * MM, 8 * MM, 9)

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("1. Khám bệnh", ("13",)),
    ("2. Ngày giường", ("14", "15", "16")),
    ("3. Xét nghiệm", ("1",)),
    ("4. Chẩn đoán hình ảnh", ("2",)),
    ("5. Thăm dò chức năng", ("3",)),
    ("6. Thủ thuật, phẫu thuật", ("8", "9", "18")),
    ("7. Máu, chế phẩm máu", ("7", "17")),
    ("8. Thuốc, dịch truyền", ("4", "5", "6")),
    ("9. Vật tư y tế", ("10", "11")),
    ("10. Vận chuyển người bệnh", ("12",)),
    ("11. Dịch vụ khác", ("19",)),
)
_COLUMNS = (
    Column(title="Nội dung", share=5.2),
    Column(title="ĐVT", share=1, align="center"),
    Column(title="Số lượng", share=1, align="right"),
    Column(title="Đơn giá BV (đồng)", share=1.75, align="right"),
    Column(title="Đơn giá BH (đồng)", share=1.75, align="right"),
    Column(title="Tỷ lệ TT theo DV (%)", share=1.1, align="right"),
    Column(title="Thành tiền BV (đồng)", share=1.95, align="right"),
    Column(title="Tỷ lệ TT BHYT (%)", share=1.1, align="right"),
    Column(title="Thành tiền BH (đồng)", share=1.95, align="right"),
    Column(title="Quỹ BHYT", share=1.95, align="right"),
    Column(title="Người bệnh cùng chi trả", share=1.8, align="right"),
    Column(title="Khác", share=1.3, align="right"),
    Column(title="Người bệnh tự trả", share=1.9, align="right"),
)
_FORMULAS = ("(1)", "(2)", "(3)", "(4)", "(5)", "(6)", "(7)=3×4×6", "(8)", "(9)=3×5×6×8")
_SOURCES = ("(10)", "(11)", "(12)", "(13)")


class BillCard(Struct, frozen=True):
    """The card as the bill names it."""

    number: str
    valid_from: date | None
    valid_to: date | None
    first_facility: str = ""
    area: str = ""
    five_years_on: date | None = None
    exempt_from: date | None = None
    route: str = ""  # MA_DOITUONG_KCB and its name.


class BillPaper(Struct, frozen=True):
    """What the bill says."""

    bill: BillView
    facility: Facility
    number: str  # Mã số lượt: MA_LK.
    department: str
    patient_name: str
    patient_code: str
    birth: str
    sex: str
    address: str
    inpatient: bool
    emergency: bool
    came_at: Instant
    left_at: Instant | None
    printed_at: Instant
    maker: str
    card: BillCard | None = None
    diagnosis: str = ""
    diagnosis_code: str = ""
    other_diagnoses: str = ""
    other_codes: str = ""
    units: dict[str, str] = {}  # Unit of each service code.
    aid: Decimal = Decimal(0)
    verify_url: str = ""
    verify_code: str = ""
    demo: bool = False


def bill_01_kbcb(paper: BillPaper) -> PaperDocument:
    """Return the bill; a bill of an open account says that it is provisional."""
    bill = paper.bill
    provisional = bill.state is not AccountState.SETTLED
    blocks: list[Block] = [
        *_head(paper),
        *_administrative(paper),
        Heading(text="II. Phần chi phí khám bệnh, chữa bệnh"),
        *_entitlement(paper),
        _table(paper),
        Keep(blocks=tuple(_sums(paper))),
        Keep(blocks=(_signatures(paper),)),
    ]
    stamp = "TẠM TÍNH" if provisional else "BẢN CHẠY THỬ" if paper.demo else ""
    return PaperDocument(
        title=f"Bảng kê chi phí khám bệnh, chữa bệnh {paper.number}",
        author=paper.facility.name,
        created_at=paper.printed_at,
        blocks=tuple(blocks),
        size=A4_LANDSCAPE,
        running=f"Bảng kê 01/KBCB · {paper.patient_name.upper()} · {paper.number}",
        foot=Foot(
            owner=paper.facility.name,
            person=paper.maker,
            at=paper.printed_at,
            code=paper.verify_code,
            verify_url=paper.verify_url,
        ),
        stamp=stamp,
        attachments=(Attachment("bang-ke-01-kbcb.json", json.encode(bill), "Bảng kê 01/KBCB"),),
    )


def _head(paper: BillPaper) -> list[Block]:
    facility = paper.facility
    setting = "NỘI TRÚ" if paper.inpatient else "NGOẠI TRÚ"
    return [
        Columns(
            left=(
                Paragraph(text=facility.governing_body),
                Paragraph(text=facility.name, bold=True),
                Paragraph(text=paper.department),
                Paragraph(text=f"Mã cơ sở: {facility.code}"),
            ),
            right=(
                Paragraph(text="Mẫu số: 01/KBCB", align="right", bold=True),
                Paragraph(text=f"Mã số người bệnh: {paper.patient_code}", align="right"),
                Paragraph(text=f"Mã đợt khám chữa bệnh: {paper.number}", align="right"),
            ),
            share=0.6,
        ),
        Title(text=f"BẢNG KÊ CHI PHÍ KHÁM BỆNH, CHỮA BỆNH {setting}"),
    ]


def _administrative(paper: BillPaper) -> list[Block]:
    card = paper.card
    rows: list[_Line] = [
        (
            Value(label="(1) Họ tên người bệnh:", text=paper.patient_name.upper(), share=2),
            Value(label="Ngày sinh:", text=paper.birth),
            Value(label="Giới tính:", text=paper.sex, share=0.7),
        ),
        (
            Value(label="(2) Địa chỉ hiện tại:", text=paper.address, share=3),
            Value(label="(3) Mã khu vực:", text=(card.area if card else "") or "—", share=0.7),
        ),
    ]
    if card:
        rows += _card_rows(card)
    rows.append(
        (
            Value(label="(6) Đến khám:", text=format_instant(paper.came_at)),
            Value(label="(7) Kết thúc:", text=format_instant(paper.left_at) if paper.left_at else "—"),
            Value(label="(8) Đối tượng:", text=(card.route if card else "") or "Không BHYT"),
        )
    )
    rows += _diagnosis_rows(paper)
    emergency = Choices(options=(Choice("Cấp cứu", paper.emergency), Choice("Nội trú", paper.inpatient)))
    return [Heading(text="I. Phần hành chính"), Fields(rows=tuple(rows)), emergency]


def _card_rows(card: BillCard) -> list[_Line]:
    valid = f"{_day(card.valid_from)} đến {_day(card.valid_to)}"
    return [
        (
            Value(label="(4) Mã thẻ BHYT:", text=card.number, boxes=15, share=2),
            Value(label="Giá trị từ:", text=valid, share=1.4),
        ),
        (
            Value(label="(5) Nơi ĐK KCB ban đầu:", text=card.first_facility or "—"),
            Value(label="Đủ 5 năm liên tục:", text=_day(card.five_years_on)),
            Value(label="Miễn cùng chi trả từ:", text=_day(card.exempt_from)),
        ),
    ]


def _diagnosis_rows(paper: BillPaper) -> list[_Line]:
    first = (
        Value(label="(9) Chẩn đoán:", text=paper.diagnosis or "—", share=3),
        Value(label="Mã bệnh:", text=paper.diagnosis_code or "—", share=0.8),
    )
    if not paper.other_diagnoses:
        return [first]
    others = (
        Value(label="(10) Bệnh kèm theo:", text=paper.other_diagnoses, share=3),
        Value(label="Mã bệnh kèm theo:", text=paper.other_codes, share=0.8),
    )
    return [first, others]


def _entitlement(paper: BillPaper) -> list[Block]:
    if paper.card is None:
        return []
    bill = paper.bill
    rate = f"{_decimal(bill.rate)} %" if bill.rate is not None else "theo từng dòng"
    reason = (
        " (dưới 15 % mức lương cơ sở)" if bill.small_cost else " (miễn cùng chi trả)" if bill.exempt else ""
    )
    since = format_instant(paper.came_at)[:10]
    until = format_instant(paper.left_at)[:10] if paper.left_at else "nay"
    return [
        Fields(
            rows=(
                (
                    Value(label="Mã thẻ BHYT:", text=paper.card.number),
                    Value(label="Mức hưởng:", text=rate + reason),
                    Value(label="Chi phí tính từ ngày:", text=f"{since} đến ngày {until}"),
                ),
            )
        )
    ]


def _table(paper: BillPaper) -> Table:
    rows: list[Row] = [Row(cells=(*_FORMULAS, *_SOURCES))]
    known = {group for _, groups in SECTIONS for group in groups}
    for title, groups in SECTIONS:
        lines = [
            line
            for line in paper.bill.lines
            if line.group in groups or ("19" in groups and line.group not in known)
        ]
        if not lines:
            continue
        rows.append(_sum_row(title, lines))
        rows += [_line_row(line, paper) for line in lines]
    rows.append(_sum_row("TỔNG CỘNG", list(paper.bill.lines)))
    return Table(columns=_COLUMNS, rows=tuple(rows), size=7.4)


def _line_row(line: BillLine, paper: BillPaper) -> Row:
    in_scope = line.fund + line.copay
    return Row(
        cells=(
            f"{line.service_name} ({line.service_code})",
            paper.units.get(line.service_code, "Lần"),
            format_number(line.quantity),
            format_number(line.unit_price),
            format_number(line.insured_price) if line.insured_price else "0",
            "100",
            format_number(line.amount),
            "100" if in_scope else "0",
            _decimal(in_scope),
            _decimal(line.fund),
            _decimal(line.copay),
            _decimal(line.amount - line.fund - line.copay - line.outside),
            _decimal(line.outside),
        )
    )


def _sum_row(title: str, lines: list[BillLine]) -> Row:
    total = sum(line.amount for line in lines)
    fund = sum((line.fund for line in lines), Decimal(0))
    copay = sum((line.copay for line in lines), Decimal(0))
    outside = sum((line.outside for line in lines), Decimal(0))
    return Row(
        cells=(
            title,
            format_number(total),
            "",
            _decimal(fund + copay),
            _decimal(fund),
            _decimal(copay),
            _decimal(total - fund - copay - outside),
            _decimal(outside),
        ),
        spans=(6, 1, 1, 1, 1, 1, 1, 1),
        bold=True,
    )


def _sums(paper: BillPaper) -> list[Block]:
    bill = paper.bill
    other = bill.total - bill.fund - bill.copay - bill.outside
    total = f"{format_number(bill.total)} đồng ({vnd_in_words(bill.total)})"
    rounding = f" (làm tròn {_decimal(bill.rounding)})" if bill.rounding else ""
    rows = (
        (Value(label="Tổng chi phí cả đợt khám bệnh, chữa bệnh:", text=total),),
        (
            Value(label="– Quỹ BHYT thanh toán:", text=f"{_decimal(bill.fund)} đồng"),
            Value(label="– Nguồn khác:", text=f"{_decimal(Decimal(other))} đồng"),
        ),
        (
            Value(label="– Người bệnh trả:", text=f"{format_number(bill.payable)} đồng{rounding}, trong đó:"),
            Value(label="+ Cùng chi trả trong phạm vi BHYT:", text=f"{_decimal(bill.copay)} đồng"),
            Value(label="+ Tự trả:", text=f"{_decimal(bill.outside)} đồng"),
        ),
        (
            Value(label="– Đã thu:", text=f"{format_number(bill.paid)} đồng"),
            Value(label="– Còn phải thu:", text=f"{format_number(bill.remaining)} đồng"),
            Value(label="– Phải hoàn:", text=f"{format_number(bill.to_refund)} đồng"),
        ),
    )
    return [Fields(rows=rows)]


def _signatures(paper: BillPaper) -> Block:
    day = format_day_in_words(local_day(paper.printed_at)).capitalize()
    return Signatures(
        slots=(
            Slot(field="nguoi_benh", role="Xác nhận của người bệnh", hint="(Ký, ghi rõ họ tên)"),
            Slot(field="ke_toan", role="Kế toán viện phí", hint="(Ký, ghi rõ họ tên)"),
            Slot(field=SEAL_FIELD, role="Người lập bảng kê, cơ sở", hint="(Ký số của cơ sở)", date=day),
        ),
        height=34,
    )


def _day(day: date | None) -> str:
    return format_day(day) if day else "—"


def _decimal(value: Decimal | int) -> str:
    """Write two places only where they are not zero: 303.600 and 1.753.086,50."""
    whole, _, cents = f"{Decimal(value):.2f}".partition(".")
    text = format_number(int(whole)) if whole not in ("-0",) else "-0"
    return text if cents == "00" else f"{text},{cents}"
