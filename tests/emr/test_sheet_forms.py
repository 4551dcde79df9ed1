"""Forms are data: read strictly, chosen by the day of the event, extended but never cut."""

from datetime import date
from pathlib import Path

import pytest
from msgspec.structs import replace

from emr.sheets.form import BadForm, FormBook, form_book, read_book, read_form, use_own_forms
from tests.emr.forms import DAY, the_form

PRINTED = """
ho_ten ngay_sinh tuoi gioi nghe_nghiep dan_toc ngoai_kieu dia_chi noi_lam_viec doi_tuong bhyt_gia_tri_den
so_the_bhyt nguoi_bao_tin nguoi_bao_tin_dt den_kham_luc cd_noi_gioi_thieu ly_do_vao_vien qua_trinh_benh_ly
tien_su_ban_than tien_su_gia_dinh toan_than mach nhiet_do huyet_ap_tam_thu huyet_ap_tam_truong nhip_tho
can_nang cac_bo_phan tom_tat_cls cd_ban_dau da_xu_ly cd_ra_vien dt_ngoai_tru_tu dt_ngoai_tru_den
"""
PRINTED_CLOSING = """
tk_qua_trinh_benh_ly tk_cls cd_ra_vien_chinh cd_ra_vien_kem_theo tk_phuong_phap_dieu_tri
tk_tinh_trang_ra_vien tk_huong_dieu_tri_tiep ho_so_phim_anh nguoi_giao nguoi_nhan
"""
MINIMAL = """
code = "X"
title = "X"
legal = "-"
valid_from = 2026-01-01
[[stages]]
code = "A"
title = "A"
slots = [{ field = "bac_si", role = "Bác sĩ" }]
[[sections]]
fields = [{ key = "ly_do", label = "Lý do:" }]
"""


def a_form_file(folder: Path, text: str) -> Path:
    path = folder / "X.toml"
    path.write_text(text)
    return path


def test_the_first_forms_of_the_house_are_there() -> None:
    first = ["01-BV2", "15-BV1", "36-BV2", "40-BV2", "DT-C", "GRV", "PCD", "PHK", "PKB"]
    assert [form.code for form in form_book().on(DAY)] == first


def test_every_form_names_its_law_and_who_signs() -> None:
    for form in form_book().on(DAY):
        assert form.legal
        assert all(stage.slots for stage in form.stages)


def test_the_outpatient_record_has_every_field_the_law_prints() -> None:
    form = the_form("15-BV1")
    legal = set(PRINTED.split())
    closing = set(PRINTED_CLOSING.split())
    assert legal <= {field.key for field in form.fields_of("A")}
    assert closing <= {field.key for field in form.fields_of("B")}
    assert form.stage("B").after == "bac_si_kham"
    assert form.off


def test_papers_of_the_organisation_are_sealed_last() -> None:
    for code in ("PHK", "GRV"):
        assert [slot.owner for slot in the_form(code).stages[0].slots] == ["author", "organisation"]


def test_the_patient_signs_a_consent_before_who_explained_it() -> None:
    for code in ("01-BV2", "40-BV2"):
        assert [slot.owner for slot in the_form(code).stages[0].slots] == ["patient", "author"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('label = "Lý do:"', 'label = "Lý do:", type = "video"', "video"),
        ('key = "ly_do"', 'key = "Lý do"', "not a key"),
        ('label = "Lý do:"', 'label = "Lý do:", colour = "red"', "colour"),
        ('label = "Lý do:"', 'label = "Lý do:", type = "choice"', "needs options"),
        ('label = "Lý do:"', 'label = "Lý do:", given = "a", start = "b"', "either given or started"),
        ('label = "Lý do:" }', 'label = "Lý do:" }, { key = "ly_do", label = "Lại" }', "asked twice"),
        ('slots = [{ field = "bac_si", role = "Bác sĩ" }]', "slots = []", "signed by nobody"),
        ("[[sections]]\n", '[[sections]]\nstage = "Z"\n', "unknown stage"),
        ('title = "A"\n', 'title = "A"\nafter = "nobody"\n', "unknown slot"),
        ("[[stages]]", "[[stages", "X.toml"),
    ],
)
def test_a_faulty_form_file_is_refused_with_its_fault(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    assert read_form(a_form_file(tmp_path, MINIMAL)).code == "X"
    with pytest.raises(BadForm, match=reason):
        read_form(a_form_file(tmp_path, MINIMAL.replace(old, new, 1)))


def test_the_version_of_the_day_of_the_event_is_taken(tmp_path: Path) -> None:
    new = read_form(a_form_file(tmp_path, MINIMAL))
    old = replace(new, valid_from=date(2020, 1, 1), valid_to=date(2025, 12, 31), title="Cũ")
    book = FormBook([new, old])
    assert book.find("X", date(2025, 12, 31)) is old
    assert book.find("X", date(2026, 1, 1)) is new
    assert book.find("X", date(2019, 1, 1)) is None
    assert book.version("X", date(2020, 1, 1)) is old


def test_two_versions_of_one_day_are_refused(tmp_path: Path) -> None:
    form = read_form(a_form_file(tmp_path, MINIMAL))
    with pytest.raises(BadForm, match="two versions"):
        FormBook([form, replace(form, valid_from=date(2026, 6, 1))])


ADDITION = """
extends = "PKB"
[[sections]]
title = "VI. RIÊNG CỦA CƠ SỞ"
fields = [{ key = "ghi_chu_rieng", label = "Ghi chú:", type = "note", legal = false }]
"""


def test_a_facility_adds_fields_and_forms_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "PKB-rieng.toml").write_text(ADDITION)
    (tmp_path / "X.toml").write_text(MINIMAL)
    try:
        use_own_forms(str(tmp_path))
        form = form_book().find("PKB", DAY)
        assert form is not None
        assert form.fields_of("A")[-1].key == "ghi_chu_rieng"
        assert form_book().find("X", DAY) is not None
    finally:
        use_own_forms("")
    assert form_book().find("X", DAY) is None


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("ghi_chu_rieng", "toan_than", "can't be replaced"),
        (", legal = false", "", "legal = false"),
        ('"PKB"', '"ZZ"', "there is no form ZZ"),
        ("type =", "kind =", "kind"),
        ('type = "note"', 'type = "choice"', "needs options"),
    ],
)
def test_a_facility_never_replaces_or_breaks_a_form(tmp_path: Path, old: str, new: str, reason: str) -> None:
    (tmp_path / "PKB-rieng.toml").write_text(ADDITION.replace(old, new, 1))
    with pytest.raises(BadForm, match=reason):
        read_book(tmp_path)
