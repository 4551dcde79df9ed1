"""A rendered paper is archivable, readable, complete, and ready to be signed by appending."""

import io
import itertools
import json
import re
import zlib

import msgspec
import pikepdf
import pytest
import zxingcpp
from PIL import Image

from kernel.paper import blocks as b
from kernel.paper import fonts
from kernel.paper.flow import wrap
from kernel.paper.render import render
from tests.kernel.paper.papers import STORY, a_paper, assert_archivable, pages_of, picture_of, text_of

SLOTS = b.Signatures(
    slots=(
        b.Slot(field="to_chuc", role="ĐẠI DIỆN ĐƠN VỊ", hint="(Ký, ghi rõ họ tên, đóng dấu)"),
        b.Slot(field="bac_si", role="BÁC SĨ KHÁM BỆNH", date="Ngày 21 tháng 11 năm 2026"),
    )
)
EVERY_BLOCK: tuple[b.Block, ...] = (
    b.Letterhead(
        authority="Sở Y tế",
        facility="Bệnh viện Ví Dụ",
        unit="Khoa Khám bệnh",
        marks=("MS: 01",),
        barcode="BN1",
    ),
    b.Title(text="PHIẾU KHÁM BỆNH", below="(ngoại trú)"),
    b.Heading(text="I. HÀNH CHÍNH"),
    b.Fields(rows=((b.Value(label="Họ và tên:", text="NGUYỄN THỊ ÁNH"), b.Value(label="Nghề nghiệp:")),)),
    b.Fields(rows=((b.Value(label="Số thẻ BHYT:", text="DN4010123456789", boxes=15),),)),
    b.Choices(label="Đối tượng:", options=(b.Choice("BHYT", True), b.Choice("Thu phí"))),
    b.Paragraph(label="Diễn biến:", text=STORY),
    b.Paragraph(label="Tóm tắt:", text="", blank_lines=2),
    b.Paragraph(text="Ghi chú nghiêng", slanted=True, align="right"),
    b.Table(
        columns=(b.Column(title="STT"), b.Column(title="Thuốc", share=4)),
        rows=(b.Row(cells=("1", "Ibuprofen")),),
    ),
    b.Columns(
        left=(b.Code(text="https://example.vn/v/A", caption="Tra cứu"),),
        right=(b.Code(text="BN26000001", kind="code128", side=160),),
    ),
    b.Keep(blocks=(b.Rule(), b.Gap(height=4), b.Rule(dotted=True))),
    SLOTS,
)


@pytest.mark.parametrize("size", [b.A4, b.A5, b.A5_LANDSCAPE, b.ROLL80])
def test_every_block_is_archivable_in_every_size(size: b.PageSize) -> None:
    pdf = render(a_paper(*EVERY_BLOCK, size=size, running="Phiếu khám · BN26000001", stamp="BẢN CHẠY THỬ"))
    assert_archivable(pdf)


def test_every_vietnamese_letter_can_be_copied_from_the_paper() -> None:
    letters = "ăâđêôơư áàảãạ ắằẳẵặ ấầẩẫậ éèẻẽẹ ếềểễệ íìỉĩị óòỏõọ ốồổỗộ ớờởỡợ úùủũụ ứừửữự ýỳỷỹỵ 1.000 ₫"
    read = text_of(
        render(
            a_paper(b.Paragraph(text=letters, size=8), b.Paragraph(text=letters.upper(), bold=True, size=8))
        )
    )
    assert letters in read
    assert letters.upper() in read


def test_decomposed_letters_are_composed() -> None:
    assert "Nguyễn" in text_of(render(a_paper(b.Paragraph(text="Nguye\u0302\u0303n"))))


def test_signs_the_face_lacks_are_spelled_or_named() -> None:
    assert "alpha -> beta" in text_of(render(a_paper(b.Paragraph(text="α → β"))))
    assert fonts.unprintable("huyết áp 120/80 → 中") == {"中"}


def test_the_same_paper_is_the_same_bytes() -> None:
    assert render(a_paper(*EVERY_BLOCK)) == render(a_paper(*EVERY_BLOCK))


def test_a_long_text_turns_pages_and_says_so_on_each() -> None:
    pdf = render(
        a_paper(*[b.Paragraph(label=f"{n}.", text=STORY * 3) for n in range(24)], running="Phiếu khám · BN1")
    )
    read = text_of(pdf).split("\f")
    count = pages_of(pdf)
    assert count >= 3
    assert all(f"Trang {n}/{count}" in read[n - 1] for n in range(1, count + 1))
    assert "Phiếu khám · BN1" not in read[0]
    assert all("Phiếu khám · BN1" in page for page in read[1:count])
    assert_archivable(pdf)


def test_a_table_repeats_its_head_and_loses_no_row() -> None:
    rows = tuple(b.Row(cells=(str(n), f"Thuốc số {n}", "Uống sau ăn " * 8)) for n in range(1, 121))
    columns = (
        b.Column(title="STT"),
        b.Column(title="Tên thuốc", share=3),
        b.Column(title="Cách dùng", share=3),
    )
    pdf = render(a_paper(b.Table(columns=columns, rows=rows)))
    read = text_of(pdf)
    assert read.count("Tên thuốc") == pages_of(pdf) > 3
    assert [n for n in range(1, 121) if not re.search(rf"Thuốc số {n}\b", read)] == []


def test_a_row_taller_than_a_page_continues_on_the_next() -> None:
    words = " ".join(f"w{n}" for n in range(4000))
    columns = (b.Column(title="Giờ"), b.Column(title="Diễn biến", share=3))
    read = text_of(render(a_paper(b.Table(columns=columns, rows=(b.Row(cells=("08:00", words)),)))))
    assert {f"w{n}" for n in range(4000)} <= set(read.split())


def test_a_word_wider_than_its_line_is_cut_not_clipped() -> None:
    word = "A" * 300
    lines = wrap(word, fonts.regular(), 10, 100)
    assert "".join(lines) == word
    assert max(fonts.regular().width(line, 10) for line in lines) <= 100


def test_words_behind_a_label_start_on_the_next_line_when_they_do_not_fit() -> None:
    assert wrap("Dài quá", fonts.regular(), 10, 60, first=50) == ["", "Dài quá"]


def test_the_record_travels_inside_as_a_file() -> None:
    with pikepdf.open(io.BytesIO(render(a_paper(b.Title(text="PHIẾU"))))) as file:
        attached = file.attachments["phieu.json"]
        assert json.loads(attached.get_file().read_bytes()) == {"ma": "PKB"}
        assert file.Root.AF[0].AFRelationship == "/Source"


@pytest.mark.parametrize("end", [b"\r", b"\n"])
def test_packed_data_that_ends_like_a_line_is_still_archivable(end: bytes) -> None:
    records = (f'{{"lan":{number}}}'.encode() for number in itertools.count())
    record = next(record for record in records if zlib.compress(record, 6).endswith(end))
    pdf = render(msgspec.structs.replace(a_paper(), attachments=(b.Attachment("phieu.json", record),)))
    assert_archivable(pdf)
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert opened.attachments["phieu.json"].get_file().read_bytes() == record


def test_empty_fields_stand_where_the_frames_are_and_in_the_form_the_signer_reads() -> None:
    pdf = render(a_paper(*[b.Paragraph(text=STORY * 4)] * 12, SLOTS))
    found = re.findall(
        rb"(\d+) 0 obj\s*<<(/Type/Annot/Subtype/Widget/FT/Sig/T\((\w+)\)[^\n]*)>>\s*endobj", pdf
    )
    assert [name for _, _, name in found] == [b"to_chuc", b"bac_si"]
    with pikepdf.open(io.BytesIO(pdf)) as file:
        last = file.pages[-1]
        assert [str(widget.T) for widget in last.Annots] == ["to_chuc", "bac_si"]
        assert all(widget.P.objgen == last.objgen for widget in last.Annots)
        left, bottom, right, top = (float(edge) for edge in last.Annots[1].Rect)
        assert right - left > 150
        assert top - bottom > 50
        assert 0 < left < right < float(last.MediaBox[2])


def test_the_signers_font_holds_every_letter_under_its_own_glyph_id() -> None:
    with pikepdf.open(io.BytesIO(render(a_paper(SLOTS)))) as file:
        font = file.Root.AcroForm.DR.Font.FSig
        assert str(font.Encoding) == "/Identity-H"
        assert str(font.DescendantFonts[0].CIDToGIDMap) == "/Identity"
        program = font.DescendantFonts[0].FontDescriptor.FontFile2.read_bytes()
    from fontTools.ttLib import TTFont

    embedded, source = TTFont(io.BytesIO(program)), TTFont(fonts.FOLDER / f"{fonts.REGULAR}.ttf")
    for letter in "NGUYỄN Thị Ắng ₫":
        glyph = int(fonts.regular().glyphs(letter), 16)
        assert source.getGlyphName(glyph) == source.getBestCmap()[ord(letter)]
        outline = source["glyf"][source.getGlyphName(glyph)]
        kept = embedded["glyf"][embedded.getGlyphOrder()[glyph]]
        assert kept.numberOfContours == outline.numberOfContours


def test_codes_on_the_paper_are_read_by_a_scanner() -> None:
    codes = (
        b.Code(text="https://example.vn/v/K7QM42XR9T"),
        b.Code(text="BN26000001", kind="code128", side=170),
    )
    picture = Image.open(io.BytesIO(picture_of(render(a_paper(*codes)), dpi=200)))
    read = {barcode.text for barcode in zxingcpp.read_barcodes(picture)}
    assert {
        "https://example.vn/v/K7QM42XR9T",
        "BN26000001",
        "https://benhvien.example.vn/v/K7QM42XR9T",
    } <= read


def test_a_bar_code_refuses_what_a_scanner_cannot_type() -> None:
    with pytest.raises(ValueError, match="đ"):
        render(a_paper(b.Code(text="đ", kind="code128")))


def test_a_roll_is_as_long_as_its_text_and_keeps_its_fields_on_it() -> None:
    short, long = (render(a_paper(b.Paragraph(text=STORY * n), SLOTS, size=b.ROLL80)) for n in (1, 6))
    heights = []
    for pdf in (short, long):
        with pikepdf.open(io.BytesIO(pdf)) as file:
            (page,) = file.pages
            heights.append(float(page.MediaBox[3]))
            assert all(0 < float(w.Rect[1]) < float(w.Rect[3]) < heights[-1] for w in page.Annots)
    assert 200 < heights[0] < heights[1] < 2000


def test_the_foot_says_system_owner_code_time_and_person() -> None:
    read = text_of(render(a_paper(b.Title(text="PHIẾU"))))
    for part in (
        "Lành · Bệnh viện Đa khoa Ví Dụ",
        "Mã tra cứu K7QM-42XR-9T",
        "14:05 ngày 21/11/2026",
        "BS. Trần Thị Ánh Nguyệt",
        "Bản giấy chuyển đổi từ bản điện tử",
    ):
        assert part in read
