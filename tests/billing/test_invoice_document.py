"""The XML of an invoice as format 2.1.0 wants it."""

import re
import unicodedata
from datetime import date
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.invoices.content import (
    Buyer,
    BuyerKind,
    Content,
    Line,
    Numbered,
    Reference,
    Related,
    Seller,
    WrongFigures,
    check_figures,
)
from billing.invoices.document import invoice_data, invoice_xml, number_text
from billing.invoices.lookup import crc16, lookup_code
from billing.invoices.markup import BadText
from billing.invoices.rules import (
    NEXT,
    BadSymbol,
    Correction,
    ForbiddenMove,
    Kind,
    Mistake,
    Mode,
    Relation,
    State,
    corrections,
    move,
    printed_number,
    symbol_of,
    tax_code_fits,
)

SELLER = Seller(
    "Bệnh viện Đa khoa Ví Dụ",
    "0199999999",
    "Số 1 đường Thử Nghiệm, phường Mẫu, tỉnh Ví Dụ",
    "02010000001",
)
PERSON = Buyer(
    BuyerKind.PERSON,
    "Nguyễn Thị Thử Nghiệm",
    address="Xã Mẫu, tỉnh Ví Dụ",
    customer_code="BN26000001",
    citizen_id="001000000001",
)


def a_content(**changes: object) -> Content:
    content = Content(
        Kind.VAT,
        SELLER,
        PERSON,
        (
            Line("Khám bệnh ngoại trú (phần người bệnh chi trả)", 200_000, "KB-01"),
            Line("Xét nghiệm, chẩn đoán hình ảnh theo bảng kê", 535_000, "XN-01", "Gói"),
        ),
        payment_method="Chuyển khoản",
        references=(Reference("MaPhieuThu", "PT26-000987"),),
        provider_tax_code="0188888888",
        list_no="BK-2026-000123",
        list_date=date(2026, 11, 21),
    )
    return msgspec.structs.replace(content, **changes)


def a_numbered(content: Content | None = None) -> Numbered:
    return Numbered(content or a_content(), "C26TAA", 15, date(2026, 11, 21))


def sample() -> str:
    return (Path(__file__).parent / "data" / "einvoice-sample.xml").read_text(encoding="utf-8")


def test_the_data_equals_the_published_sample() -> None:
    expected = re.search(r"<DLHDon.*</DLHDon>", sample())
    assert expected
    ours = invoice_data(a_numbered()).replace("_1C26TAA-15", "_HD26-0000015")
    assert ours == expected[0]


def test_the_lookup_code_equals_the_published_sample() -> None:
    expected = re.search(r"<DLQRCode>(.*)</DLQRCode>", sample())
    assert expected
    assert lookup_code(a_numbered(), total=735_000, guid="0" * 31 + "1") == expected[1]


def test_the_crc_is_ccitt_false() -> None:
    assert crc16(b"123456789") == 0x29B1


def test_what_is_written_is_its_own_canonical_form() -> None:
    xml = invoice_xml(a_numbered(), guid="0" * 32).decode()
    canonical = ElementTree.canonicalize(xml)
    assert xml.split("?>", 1)[1] == canonical


def test_a_sales_invoice_has_no_tax_fields_but_the_non_tariff_mark() -> None:
    xml = invoice_data(a_numbered(a_content(kind=Kind.SALES)))
    assert not re.search("TSuat|TgTCThue|TgTThue", xml)
    assert "<HDCTTChinh>0</HDCTTChinh><HDDCKPTQuan>0</HDDCKPTQuan>" in xml
    assert "<THDon>Hóa đơn bán hàng</THDon><KHMSHDon>2</KHMSHDon>" in xml


def test_nobody_who_asked_is_the_consumer() -> None:
    xml = invoice_data(a_numbered(a_content(buyer=Buyer())))
    assert "<NMua><HVTNMHang>Bán cho người tiêu dùng</HVTNMHang></NMua>" in xml


def test_an_organisation_is_named_with_its_tax_code() -> None:
    buyer = Buyer(BuyerKind.ORGANISATION, "Công ty Mẫu", "0101243150", address="Tỉnh Ví Dụ")
    xml = invoice_data(a_numbered(a_content(buyer=buyer)))
    assert "<NMua><Ten>Công ty Mẫu</Ten><MST>0101243150</MST><DChi>Tỉnh Ví Dụ</DChi></NMua>" in xml


def test_an_adjustment_names_the_original_and_may_be_negative() -> None:
    related = Related(Relation.ADJUSTS, Kind.VAT, "C26TAA", 15, date(2026, 11, 21))
    content = a_content(lines=(Line("Điều chỉnh giảm tiền khám", -50_000),), related=related)
    xml = invoice_data(msgspec.structs.replace(a_numbered(content), number=16))
    assert "<TTHDLQuan><TCHDon>2</TCHDon><LHDCLQuan>1</LHDCLQuan><KHMSHDCLQuan>1</KHMSHDCLQuan>" in xml
    assert "Điều chỉnh cho hóa đơn Mẫu số 1 ký hiệu C26TAA số 15 ngày 21 tháng 11 năm 2026</GChu>" in xml
    assert "<TgTTTBSo>-50000</TgTTTBSo><TgTTTBChu>Âm năm mươi nghìn đồng</TgTTTBChu>" in xml


def test_five_percent_is_summed_apart_and_rounded_half_up() -> None:
    lines = (Line("Khám bệnh", 200_000), Line("Thuốc", 1_010, tax_rate="5%"))
    totals = check_figures(a_content(lines=lines))
    assert [(row.rate, row.amount, row.tax) for row in totals.rows] == [
        ("KCT", 200_000, 0),
        ("5%", 1_010, 51),
    ]
    assert totals.total == 201_061


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"lines": ()}, "không có dòng"),
        ({"lines": (Line("Khám", 200_000, quantity=Decimal(2), price=Decimal(99_999)),)}, "Dòng 1"),
        ({"lines": (Line("Khám", 0),)}, "lớn hơn 0"),
        ({"lines": (Line("Khám", -1),)}, "lớn hơn 0"),
        ({"lines": (Line("Khám", 1000, tax_rate="7%"),)}, "Thuế suất"),
        ({"kind": Kind.SALES, "lines": (Line("Thuốc", 1000, tax_rate="5%"),)}, "bán hàng"),
    ],
)
def test_figures_that_do_not_hold_are_refused(changes: dict[str, object], word: str) -> None:
    with pytest.raises(WrongFigures, match=word):
        invoice_data(a_numbered(a_content(**changes)))


def test_markup_in_a_name_is_escaped() -> None:
    xml = invoice_data(a_numbered(a_content(buyer=Buyer(BuyerKind.PERSON, "A<b>&C\r"))))
    assert "<HVTNMHang>A&lt;b&gt;&amp;C&#xD;</HVTNMHang>" in xml


@pytest.mark.parametrize("bad", ["\x00", "\x1b", "\ufffe", "\ud800"])
def test_a_character_xml_cannot_hold_is_refused(bad: str) -> None:
    with pytest.raises(BadText):
        invoice_data(a_numbered(a_content(buyer=Buyer(BuyerKind.PERSON, f"A{bad}"))))


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1))
def test_any_name_survives_the_way_through_a_parser(name: str) -> None:
    buyer = Buyer(BuyerKind.PERSON, name)
    root = ElementTree.fromstring(invoice_xml(a_numbered(a_content(buyer=buyer)), guid="0" * 32))
    assert root.findtext(".//HVTNMHang") == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("value", "written"),
    [(Decimal("200000.000"), "200000"), (Decimal("0.5"), "0.5"), (100, "100"), (-3, "-3"), (0, "0")],
)
def test_numbers_carry_no_needless_zeros(value: Decimal | int, written: str) -> None:
    assert number_text(value) == written


# Symbols, numbers, codes, states


@pytest.mark.parametrize(("mode", "symbol"), [(Mode.CQT_CODE, "C26TYY"), (Mode.NO_CODE, "K26TYY")])
def test_a_symbol_says_mode_year_and_type(mode: Mode, symbol: str) -> None:
    assert symbol_of(mode, 2026) == symbol


@pytest.mark.parametrize(("letter", "suffix"), [("Z", "YY"), ("T", "yy"), ("T", "Y"), ("T", "Đ1")])
def test_a_symbol_that_is_none_is_refused(letter: str, suffix: str) -> None:
    with pytest.raises(BadSymbol):
        symbol_of(Mode.CQT_CODE, 2026, letter=letter, suffix=suffix)


def test_paper_pads_the_number() -> None:
    assert printed_number(15) == "00000015"


@pytest.mark.parametrize(
    ("code", "fits"),
    [
        ("0101243150", True),
        ("0101243150-001", True),
        ("0101243151", False),
        ("0199999999", False),
        ("001000000001", True),
        ("12345", False),
    ],
)
def test_tax_codes_carry_a_check_digit(code: str, fits: bool) -> None:
    assert tax_code_fits(code) is fits


@pytest.mark.parametrize("now", State)
@pytest.mark.parametrize("to", State)
def test_only_the_drawn_moves_are_possible(now: State, to: State) -> None:
    if to in NEXT[now]:
        assert move(now, to) is to
    else:
        with pytest.raises(ForbiddenMove):
            move(now, to)


def test_nothing_is_ever_cancelled() -> None:
    assert not any("cancel" in state for state in State)
    assert NEXT[State.DELIVERED] == frozenset()
    assert {c for m in Mistake for c in corrections(m, first_method=None)} == set(Correction)


@pytest.mark.parametrize(
    ("mistake", "first", "register", "ways"),
    [
        (Mistake.BUYER_NAME_OR_ADDRESS, None, False, {Correction.NOTICE}),
        (Mistake.TAX_CODE, None, False, {Correction.ADJUST, Correction.REPLACE}),
        (Mistake.MONEY_OR_GOODS, Correction.ADJUST, False, {Correction.ADJUST}),
        (Mistake.MONEY_OR_GOODS, Correction.REPLACE, False, {Correction.REPLACE}),
        (Mistake.REFUND, None, False, {Correction.ADJUST}),
        (Mistake.TAX_CODE, None, True, {Correction.REPLACE}),
    ],
)
def test_ways_to_correct(
    mistake: Mistake, first: Correction | None, register: bool, ways: set[Correction]
) -> None:
    assert corrections(mistake, first_method=first, cash_register=register) == ways
