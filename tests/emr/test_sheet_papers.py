"""Each form comes out as the paper it came out as before: same text, same picture; and it can be archived.

After looking at a changed paper: LANH_GOLDEN=write python -m pytest tests/emr/test_sheet_papers.py
"""

import io
import json
import os
from pathlib import Path

import pikepdf
import pytest
from PIL import Image, ImageChops, ImageStat

from emr.sheets.form import form_book
from emr.sheets.paper import directions, leading_zero, sheet_paper
from kernel.paper.render import render
from tests.emr.forms import DAY, DRUGS, a_sheet_paper, the_form
from tests.kernel.paper.papers import assert_archivable, pages_of, picture_of, text_of

GOLDEN = Path(__file__).parent / "golden"
EVERY_PAPER = [(form.code, stage.code) for form in form_book().on(DAY) for stage in form.stages]
WRITE = os.environ.get("LANH_GOLDEN") == "write"


def small(picture: bytes) -> Image.Image:
    return Image.open(io.BytesIO(picture)).convert("L").resize((105, 148), Image.Resampling.BOX)


@pytest.mark.parametrize(("code", "stage"), EVERY_PAPER)
def test_a_paper_reads_and_looks_as_it_was_approved(code: str, stage: str) -> None:
    pdf = render(sheet_paper(a_sheet_paper(code, stage)))
    name = GOLDEN / f"{code}-{stage}"
    pictures = [small(picture_of(pdf, number, dpi=60)) for number in range(1, pages_of(pdf) + 1)]
    text = text_of(pdf)
    if WRITE:
        name.with_suffix(".txt").write_text(text)
        for number, picture in enumerate(pictures, start=1):
            picture.save(f"{name}-{number}.png", optimize=True)
    assert text == name.with_suffix(".txt").read_text()
    for number, picture in enumerate(pictures, start=1):
        difference = ImageChops.difference(picture, Image.open(f"{name}-{number}.png"))
        assert ImageStat.Stat(difference).mean[0] < 1.5


@pytest.mark.parametrize(("code", "stage"), EVERY_PAPER)
def test_a_full_and_an_empty_paper_can_be_archived(code: str, stage: str) -> None:
    assert_archivable(render(sheet_paper(a_sheet_paper(code, stage))))
    if code != "DT-C":  # An empty prescription is never rendered.
        assert_archivable(render(sheet_paper(a_sheet_paper(code, stage, {}))))


@pytest.mark.parametrize(("code", "stage"), EVERY_PAPER)
def test_the_data_of_the_paper_travel_inside_it(code: str, stage: str) -> None:
    paper = a_sheet_paper(code, stage)
    with pikepdf.open(io.BytesIO(render(sheet_paper(paper)))) as file:
        inside = json.loads(file.attachments[f"{code}.json"].get_file().read_bytes())
    assert set(inside) == {field.key for field in the_form(code).fields_of(stage)}


@pytest.mark.parametrize(("code", "stage"), EVERY_PAPER)
def test_every_slot_of_the_form_is_a_field_of_the_file(code: str, stage: str) -> None:
    with pikepdf.open(io.BytesIO(render(sheet_paper(a_sheet_paper(code, stage))))) as file:
        fields = {str(field.T) for field in file.Root.AcroForm.Fields}
    assert fields == {slot.field for slot in the_form(code).stage(stage).slots}


def test_a_long_name_and_a_long_address_wrap_and_lose_nothing() -> None:
    name = "CÔNG TẰNG TÔN NỮ THỊ NGUYỆT ÁNH HOÀNG PHƯƠNG THẢO LY"
    address = "Ấp Tân Long, " * 20 + "tỉnh Đồng Tháp"
    facts = {"patient.name": name, "patient.address": address}
    read = " ".join(text_of(render(sheet_paper(a_sheet_paper("PCD", facts=facts)))).split())
    words = " ".join(text_of(render(sheet_paper(a_sheet_paper("GRV", facts=facts)))).split())
    assert all(word in read for word in name.split())
    assert words.count("Tân Long,") == 20


def test_a_prescription_of_thirty_lines_runs_over_pages_with_its_head_kept() -> None:
    data = {"chan_doan": [{"code": "I10", "name": "Tăng huyết áp"}], "thuoc": DRUGS * 15}
    pdf = render(sheet_paper(a_sheet_paper("DT-C", "A", data)))
    read = text_of(pdf)
    assert pages_of(pdf) > 2
    assert "30. Paracetamol" in read
    assert "Cộng khoản: 30" in read
    assert_archivable(pdf)


@pytest.mark.parametrize(
    ("amount", "printed"),
    [("9", "09"), ("10", "10"), ("21", "21"), ("1.5", "01,5"), ("0.5", "0,5"), ("9.0", "09"), ("3", "03")],
)
def test_quantities_under_ten_get_a_leading_zero(amount: str, printed: str) -> None:
    assert leading_zero(amount) == printed


def test_directions_name_route_dose_times_moment_and_days() -> None:
    row = {**DRUGS[1], "so_lan": 3, "so_ngay": 3, "thoi_diem": "sau ăn"}
    assert directions(row) == "Uống: ngày 3 lần, mỗi lần 1 viên, sau ăn, trong 3 ngày."


def test_the_law_heads_stand_on_the_papers() -> None:
    discharge = text_of(render(sheet_paper(a_sheet_paper("GRV"))))
    for part in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "GIẤY RA VIỆN",
        "MS: 02",
    ):
        assert part in discharge
    assert "MS: 15/BV-01" in text_of(render(sheet_paper(a_sheet_paper("15-BV1"))))
    prescription = text_of(render(sheet_paper(a_sheet_paper("DT-C"))))
    assert "99999k3v9x0a-C" in prescription
    assert "Số lượng: 09 viên" in prescription
