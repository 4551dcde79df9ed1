"""Receipts (phiếu thu) on A5 in two liên, and on the 80 mm roll."""

from msgspec import Struct, json

from billing.receipts.views import KIND_WORDS, METHOD_WORDS, ReceiptKind, ReceiptView
from kernel.clock import Instant, format_day_in_words, format_instant, local_day
from kernel.facility import Facility
from kernel.money import format_number, format_vnd, vnd_in_words
from kernel.paper.blocks import (
    A5_LANDSCAPE,
    ROLL80,
    Attachment,
    Block,
    Code,
    Columns,
    Fields,
    Foot,
    Gap,
    Keep,
    PageBreak,
    PaperDocument,
    Paragraph,
    Rule,
    Signatures,
    Slot,
    Title,
    Value,
)

SEAL_FIELD = "to_chuc"
COPIES = ("Liên 1: Lưu", "Liên 2: Giao người nộp tiền")


class ReceiptPaper(Struct, frozen=True):
    """What a receipt says."""

    receipt: ReceiptView
    facility: Facility
    patient_name: str
    patient_code: str
    patient_address: str
    verify_url: str = ""
    verify_code: str = ""
    demo: bool = False
    copied_at: Instant | None = None  # A reprint says that it is one, and when.


def receipt_a5(paper: ReceiptPaper) -> PaperDocument:
    """Return the receipt on A5 landscape, one page for each liên; the first carries the seal."""
    blocks: list[Block] = []
    for number, copy in enumerate(COPIES, start=1):
        blocks += [PageBreak()] if number > 1 else []
        blocks += _one_copy(paper, copy, sealed=number == 1)
    receipt = paper.receipt
    return PaperDocument(
        title=f"{KIND_WORDS[receipt.kind]} {receipt.number}",
        author=paper.facility.name,
        created_at=paper.copied_at or receipt.issued_at,
        blocks=tuple(blocks),
        size=A5_LANDSCAPE,
        foot=_foot(paper),
        stamp=_stamp(paper),
        attachments=(Attachment("phieu-thu.json", json.encode(receipt), "Phiếu thu"),),
    )


def receipt_roll(paper: ReceiptPaper) -> PaperDocument:
    """Return the receipt for an 80 mm printer."""
    receipt = paper.receipt
    blocks: list[Block] = [
        Paragraph(text=paper.facility.name.upper(), bold=True, align="center"),
        Paragraph(text=f"MST {paper.facility.tax_code}", align="center"),
        Paragraph(text=paper.facility.address, align="center", size=7.5),
        Rule(dotted=True),
        Title(text=KIND_WORDS[receipt.kind].upper(), below=f"Số {receipt.number}"),
        *(Fields(rows=((Value(label=label, text=text),),)) for label, text in _facts(paper)),
        Rule(dotted=True),
        Paragraph(text=format_vnd(receipt.amount), bold=True, align="center", size=15),
        Paragraph(text=vnd_in_words(receipt.amount), slanted=True, align="center"),
        *_remarks(paper),
        Rule(dotted=True),
    ]
    if paper.verify_url:
        blocks.append(Code(text=paper.verify_url, side=74, caption=f"Tra cứu: {paper.verify_code}"))
    blocks.append(Paragraph(text="Giữ phiếu này để nhận kết quả và hoá đơn.", align="center"))
    copied = f"Bản in lại lúc {format_instant(paper.copied_at)}" if paper.copied_at else ""
    blocks += [Paragraph(text=copied, align="center", bold=True)] if copied else []
    blocks += [Paragraph(text="BẢN CHẠY THỬ", align="center", bold=True)] if paper.demo else []
    return PaperDocument(
        title=f"{KIND_WORDS[receipt.kind]} {receipt.number}",
        author=paper.facility.name,
        created_at=paper.copied_at or receipt.issued_at,
        blocks=tuple(blocks),
        size=ROLL80,
    )


def _one_copy(paper: ReceiptPaper, copy: str, *, sealed: bool) -> list[Block]:
    receipt, facility = paper.receipt, paper.facility
    day = format_day_in_words(local_day(receipt.issued_at))
    head = Columns(
        left=(
            Paragraph(text=facility.name, bold=True),
            Paragraph(text=facility.address, size=8),
            Paragraph(text=f"MST: {facility.tax_code} · Điện thoại: {facility.phone}", size=8),
        ),
        right=(
            Paragraph(text=copy, align="right", bold=True),
            Paragraph(text=f"Quyển số: {receipt.book}", align="right", size=8),
            Paragraph(text=f"Số: {receipt.number}", align="right", size=8),
        ),
        share=0.66,
    )
    rows: list[tuple[Value, ...]] = [
        (Value(label="Họ tên người bệnh:", text=paper.patient_name.upper(), share=1.7), _code_of(paper))
    ]
    rows += [(Value(label="Địa chỉ:", text=paper.patient_address),)] if paper.patient_address else []
    rows += [(Value(label=label, text=text),) for label, text in _content_facts(receipt)]
    money = (
        Value(label="Số tiền:", text=format_vnd(receipt.amount)),
        Value(label="Hình thức:", text=METHOD_WORDS[receipt.method]),
    )
    words = Value(label="Bằng chữ:", text=f"{vnd_in_words(receipt.amount)}.", bold=False)
    rows += [money, (words,)]
    return [
        head,
        Title(
            text=KIND_WORDS[receipt.kind].upper(),
            below=f"{day.capitalize()}, {format_instant(receipt.issued_at)[-5:]}",
        ),
        Fields(rows=tuple(rows)),
        *_remarks(paper),
        Gap(height=2),
        Keep(blocks=(_signatures(paper, sealed=sealed),)),
    ]


def _signatures(paper: ReceiptPaper, *, sealed: bool) -> Block:
    suffix = "" if sealed else "_2"
    cashier = paper.receipt.cashier_name or "Thu tự động"
    back = paper.receipt.kind is ReceiptKind.REFUND
    return Signatures(
        slots=(
            Slot(field=f"nguoi_nop{suffix}", role="Người nhận tiền" if back else "Người nộp tiền"),
            Slot(
                field=f"thu_ngan{suffix}",
                role="Người chi tiền" if back else "Người thu tiền",
                hint=f"({cashier})",
            ),
            Slot(
                field=f"{SEAL_FIELD}{suffix}",
                role="Đơn vị chi tiền" if back else "Đơn vị thu tiền",
                hint="(Ký số của cơ sở)",
            ),
        ),
        height=40,
    )


def _code_of(paper: ReceiptPaper) -> Value:
    return Value(label="Mã người bệnh:", text=paper.patient_code)


def _content_facts(receipt: ReceiptView) -> list[tuple[str, str]]:
    label = "Nội dung chi:" if receipt.kind is ReceiptKind.REFUND else "Nội dung thu:"
    facts = [(label, receipt.title)]
    return facts + ([("Mã tham chiếu:", receipt.reference)] if receipt.reference else [])


def _facts(paper: ReceiptPaper) -> list[tuple[str, str]]:
    receipt = paper.receipt
    return [
        ("Lúc:", format_instant(receipt.issued_at)),
        ("Người bệnh:", paper.patient_name.upper()),
        ("Mã:", paper.patient_code),
        *_content_facts(receipt),
        ("Hình thức:", METHOD_WORDS[receipt.method]),
        ("Thu ngân:", receipt.cashier_name or "Thu tự động"),
    ]


def _remarks(paper: ReceiptPaper) -> list[Block]:
    receipt = paper.receipt
    text = ""
    if receipt.kind is ReceiptKind.DEPOSIT:
        text = "Tiền tạm ứng được trừ khi thanh toán ra viện; không phải hoá đơn."
    elif receipt.excess:
        text = f"Trong đó nộp thừa chờ hoàn: {format_number(receipt.excess)} ₫."
    return [Paragraph(text=text, slanted=True)] if text else []


def _foot(paper: ReceiptPaper) -> Foot:
    return Foot(
        owner=paper.facility.name,
        person=paper.receipt.cashier_name or "Thu tự động",
        at=paper.copied_at or paper.receipt.issued_at,
        code=paper.verify_code,
        verify_url=paper.verify_url,
    )


def _stamp(paper: ReceiptPaper) -> str:
    if paper.demo:
        return "BẢN CHẠY THỬ"
    return f"BẢN SAO {format_instant(paper.copied_at)}" if paper.copied_at else ""
