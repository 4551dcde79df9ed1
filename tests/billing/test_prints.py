"""Receipts, bills and invoice views on paper: what they say, and that they are archive files."""

import io
import subprocess
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import msgspec
import page
import pikepdf
import pytest

from billing.bills.views import AccountState, BillLine, BillView
from billing.prices.rules import PriceKind
from billing.prints.bill import BillCard, BillPaper, bill_01_kbcb
from billing.prints.invoice import invoice_view
from billing.prints.receipt import ReceiptPaper, receipt_a5, receipt_roll
from billing.receipts.views import Method, ReceiptKind, ReceiptView
from kernel.facility import Facility
from kernel.paper.blocks import PaperDocument
from kernel.paper.render import render

NOW = datetime(2026, 11, 21, 7, 5, tzinfo=UTC)
DAY = date(2026, 11, 21)
ZERO = Decimal(0)


def text_of(document: PaperDocument, tmp_path: Path) -> str:
    path = tmp_path / "paper.pdf"
    path.write_bytes(render(document))
    return subprocess.run(
        ["pdftotext", "-layout", str(path), "-"], capture_output=True, check=True, text=True
    ).stdout


def a_receipt(**changes: object) -> ReceiptPaper:
    receipt = ReceiptView(
        id=UUID(int=1),
        number="Q1-26-000123",
        book="Q1",
        sequence=123,
        kind=ReceiptKind.BILL,
        method=Method.TRANSFER,
        episode_id=UUID(int=2),
        patient_id=UUID(int=3),
        request_id=None,
        reference="VP10000077746",
        title="Khám bệnh, xét nghiệm",
        amount=735_000,
        excess=0,
        issued_at=NOW,
        cashier_name="Lê Thị Thu Ngân",
    )
    receipt = msgspec.structs.replace(receipt, **changes)
    return ReceiptPaper(
        receipt, Facility(), "Nguyễn Thị Thử Nghiệm", "BN26000001", "Xã Mẫu", "http://h/v/AB", "AB"
    )


def a_line(
    number: int, group: str, amount: int, *, fund: str = "0", copay: str = "0", outside: str = "0"
) -> BillLine:
    return BillLine(
        charge_id=UUID(int=number),
        order_id=UUID(int=number),
        service_code=f"DV.{number}",
        service_name=f"Dịch vụ {number}",
        group=group,
        quantity=1,
        unit_price=amount,
        insured_price=amount if fund != "0" else 0,
        amount=amount,
        price_kind=PriceKind.BHYT,
        in_scope=fund != "0",
        on_demand=False,
        placed_at=NOW,
        service_day=DAY,
        rate=Decimal(80),
        fund=Decimal(fund),
        copay=Decimal(copay),
        outside=Decimal(outside),
        paid=False,
    )


def a_bill(*lines: BillLine, state: AccountState = AccountState.SETTLED) -> BillPaper:
    fund = sum((line.fund for line in lines), ZERO)
    copay = sum((line.copay for line in lines), ZERO)
    outside = sum((line.outside for line in lines), ZERO)
    bill = BillView(
        account_id=UUID(int=9),
        episode_id=UUID(int=2),
        patient_id=UUID(int=3),
        state=state,
        lines=lines,
        total=sum(line.amount for line in lines),
        in_scope=fund + copay,
        fund=fund,
        copay=copay,
        outside=outside,
        rounding=ZERO,
        payable=int(copay + outside),
        paid=0,
        deposits=0,
        excess=0,
        remaining=0,
        to_refund=0,
        rate=Decimal(80),
        small_cost=False,
        exempt=False,
        opened_at=NOW,
        ended_at=NOW,
        settled_at=NOW,
    )
    return BillPaper(
        bill=bill,
        facility=Facility(),
        number="KCB26000123",
        department="Khoa Khám bệnh",
        patient_name="Nguyễn Thị Thử Nghiệm",
        patient_code="BN26000001",
        birth="01/02/1980",
        sex="Nữ",
        address="Xã Mẫu",
        inpatient=False,
        emergency=False,
        came_at=NOW - timedelta(hours=2),
        left_at=NOW,
        printed_at=NOW,
        maker="Lê Thị Thu Ngân",
        card=BillCard("DN4010000000001", date(2026, 1, 1), date(2026, 12, 31)),
    )


def the_invoice() -> bytes:
    return (Path(__file__).parent / "data" / "einvoice-sample.xml").read_bytes()


PAPERS = {
    "receipt A5": receipt_a5(a_receipt()),
    "bill": bill_01_kbcb(a_bill(a_line(1, "13", 50_600, fund="40480", copay="10120"))),
    "bill at 0 đồng": bill_01_kbcb(a_bill()),
    "invoice": invoice_view(the_invoice(), made_at=NOW, demo=False),
}


@pytest.mark.parametrize("name", PAPERS)
def test_papers_are_archive_files(name: str) -> None:
    report = page.validate_pdf_bytes(render(PAPERS[name]), profile=page.ValidationProfile.PDF_A_3B)
    assert report.is_compliant, report.failures


@pytest.mark.parametrize("name", PAPERS)
def test_the_same_paper_is_the_same_bytes(name: str) -> None:
    assert render(PAPERS[name]) == render(PAPERS[name])


def test_a_receipt_has_two_copies_and_says_how_it_was_paid(tmp_path: Path) -> None:
    text = text_of(receipt_a5(a_receipt()), tmp_path)
    assert "Liên 1: Lưu" in text
    assert "Liên 2: Giao người nộp tiền" in text
    assert text.count("Chuyển khoản") == 2
    assert text.count("735.000 ₫") == 2
    assert text.count("Bảy trăm ba mươi lăm nghìn đồng.") == 2
    assert "Ngày 21 tháng 11 năm 2026, 14:05" in text


def test_a_receipt_carries_a_place_for_the_seal() -> None:
    pdf = pikepdf.open(io.BytesIO(render(receipt_a5(a_receipt()))))
    names = {str(field.T) for field in pdf.Root.AcroForm.Fields}
    assert "to_chuc" in names


def test_money_paid_too_much_and_deposits_are_told_apart(tmp_path: Path) -> None:
    assert "nộp thừa chờ hoàn: 20.000" in text_of(receipt_a5(a_receipt(excess=20_000)), tmp_path)
    deposit = text_of(receipt_a5(a_receipt(kind=ReceiptKind.DEPOSIT)), tmp_path)
    assert "PHIẾU THU TẠM ỨNG" in deposit
    assert "không phải hoá đơn" in deposit


def test_a_reprint_says_so(tmp_path: Path) -> None:
    paper = msgspec.structs.replace(a_receipt(), copied_at=NOW + timedelta(days=1))
    assert "Bản in lại lúc 22/11/2026 14:05" in text_of(receipt_roll(paper), tmp_path)
    assert receipt_a5(paper).stamp == "BẢN SAO 22/11/2026 14:05"


def test_the_roll_fits_80_mm(tmp_path: Path) -> None:
    path = tmp_path / "roll.pdf"
    path.write_bytes(render(receipt_roll(a_receipt())))
    info = subprocess.run(["pdfinfo", str(path)], capture_output=True, check=True, text=True).stdout
    assert "Page size:       226.77" in info
    assert "Pages:           1" in info


def test_a_bill_adds_each_section_and_the_whole_up(tmp_path: Path) -> None:
    lines = (
        a_line(1, "13", 50_600, fund="40480", copay="10120"),
        a_line(2, "1", 100_001, fund="80000.80", copay="20000.20"),
        a_line(3, "99", 150_000, outside="150000"),
    )
    text = text_of(bill_01_kbcb(a_bill(*lines)), tmp_path)
    for words in ("Mẫu số: 01/KBCB", "1. Khám bệnh", "3. Xét nghiệm", "11. Dịch vụ khác"):
        assert words in text
    total = next(line for line in text.splitlines() if line.startswith("TỔNG CỘNG"))
    assert total.split()[2:] == ["300.601", "150.601", "120.480,80", "30.120,20", "0", "150.000"]
    assert "Ba trăm nghìn sáu trăm linh một đồng" in text


def test_a_bill_at_0_dong_is_printed_too(tmp_path: Path) -> None:
    text = text_of(bill_01_kbcb(a_bill()), tmp_path)
    assert "0 đồng (Không đồng)" in text


def test_an_open_bill_is_provisional() -> None:
    assert bill_01_kbcb(a_bill(state=AccountState.OPEN)).stamp == "TẠM TÍNH"
    assert bill_01_kbcb(a_bill()).stamp == ""


def test_an_invoice_view_carries_its_xml(tmp_path: Path) -> None:
    document = invoice_view(the_invoice(), made_at=NOW, demo=True)
    pdf = pikepdf.open(io.BytesIO(render(document)))
    (attached,) = pdf.attachments.values()
    assert attached.get_file().read_bytes() == the_invoice()
    text = text_of(document, tmp_path)
    for words in ("Ký hiệu: 1C26TAA", "Số: 00000015", "HÓA ĐƠN GIÁ TRỊ GIA TĂNG", "Phiếu thu: PT26-000987"):
        assert words in text
