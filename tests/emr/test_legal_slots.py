"""Who signs which form: the law's list read whole, our forms held to it, a facility's own rule said in words."""

from pathlib import Path

import pytest

from emr.sheets.form import FOLDER, BadForm, form_book, read_form
from emr.sheets.law import UnknownForm, legal_code, legal_codes, order_faults, signers_of


def codes(code: str) -> list[str]:
    return [slot.code for slot in signers_of(code).slots]


def test_the_list_is_read_whole() -> None:
    unread = []
    for code in legal_codes():
        try:
            assert signers_of(code).slots, code
        except UnknownForm:
            unread.append(code)
    assert len(legal_codes()) == 102
    assert unread == [
        "52/BV2",
        "53/BV2",
        "PARTOGRAPH",
        "TT25-M06",
        "TT25-M08",
        "TT25-M09",
        "TT25-M10",
        "TT25-M11",
        "TT25-M12",
        "TT25-M13",
    ]


@pytest.mark.parametrize(
    ("code", "order"),
    [
        ("01/BV1", ["BS_LAM_BENH_AN", "BS_DIEU_TRI", "TRUONG_KHOA", "GIAM_DOC"]),
        ("10/BV1", ["BS_LAM_BENH_AN", "BS_PHAU_THUAT", "BS_DIEU_TRI", "TRUONG_KHOA", "GIAM_DOC"]),
        ("18/BV1", ["THAY_THUOC_KCB", "THAY_THUOC_KCB", "TRUONG_KHOA", "GIAM_DOC", "dấu"]),
        ("01/BV2", ["NGUOI_BENH_OR_DAI_DIEN", "BAC_SI"]),
        ("36/BV2", ["BAC_SI"]),
        ("TT25-M02", ["NGUOI_HANH_NGHE", "DAI_DIEN_DON_VI"]),
        ("TT25-M05", ["NGUOI_THAN", "NGUOI_GHI_GIAY", "THU_TRUONG", "dấu"]),
        ("TT22-M02", ["THAN_NHAN", "NGUOI_DO_DE", "DAI_DIEN_CO_SO"]),
        ("TT01-PLV", ["BAC_SI", "TO_CHUC"]),
    ],
)
def test_orders_of_the_law(code: str, order: list[str]) -> None:
    assert codes(code) == order


def test_who_hands_the_file_over_stands_outside_the_order() -> None:
    assert [slot.code for slot in signers_of("01/BV1").aside] == ["NGUOI_GIAO_HO_SO", "NGUOI_NHAN_HO_SO"]
    assert signers_of("36/BV2").each_entry
    assert signers_of("37/BV2").custom
    assert not signers_of("36/BV2").custom


def test_our_forms_are_signed_as_the_law_orders() -> None:
    held = [path.stem for path in FOLDER.glob("*.toml") if legal_code(path.stem) in legal_codes()]
    assert {"15-BV1", "GRV", "PHK", "01-BV2"} <= set(held)
    assert form_book()


@pytest.mark.parametrize(
    ("stages", "fault"),
    [
        ([("author", "author", "role:head", "role:director")], ""),
        ([("author",), ("author", "role:head", "role:director")], ""),
        ([("author", "author", "role:director", "role:head")], "not the order"),
        ([("author", "role:head", "role:director")], "also wants author"),
        ([("author", "author", "role:head", "role:director", "organisation")], "not the order"),
    ],
)
def test_another_order_is_a_fault(stages: list[tuple[str, ...]], fault: str) -> None:
    faults = "; ".join(order_faults("01-BV1", stages))
    assert (fault in faults) if fault else not faults


def test_a_facility_may_rule_otherwise_only_in_words(tmp_path: Path) -> None:
    text = (FOLDER / "GRV.toml").read_text()
    wrong = text.replace('owner = "organisation"', 'owner = "role:director"')
    path = tmp_path / "GRV.toml"
    path.write_text(wrong)
    with pytest.raises(BadForm, match="also wants organisation"):
        read_form(path)
    path.write_text(
        wrong.replace('code = "GRV"', 'code = "GRV"\nown_slots = "QĐ 15/QĐ-BV: quy chế ký số"', 1)
    )
    assert read_form(path).own_slots
