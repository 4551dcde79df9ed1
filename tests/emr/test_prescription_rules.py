"""The rules of TT 26/2025 for a prescription of form I, one case each."""

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emr.catalogs.views import Drug
from emr.prescriptions.rules import (
    CODE,
    Limits,
    age_months,
    drug_name,
    is_code,
    judge,
    longest_days,
    new_code,
    valid_until,
)

AMOXICILLIN = Drug(
    code="T001",
    name="Amoxivd",
    inn="Amoxicilin",
    strength="500 mg",
    form="viên nang",
    unit="viên",
    route="uống",
)
SYRUP = Drug(
    code="T002",
    name="Siro ho",
    inn="Dextromethorphan",
    strength="60 ml",
    form="siro",
    unit="chai",
    route="uống",
)
MORPHINE = Drug("T900", "Morphin", "Morphin", "10 mg", "viên nén", "viên", "uống", control="N")
DIAZEPAM = Drug("T901", "Diazepam", "Diazepam", "5 mg", "viên nén", "viên", "uống", control="H")
DRUGS = {drug.code: drug for drug in (AMOXICILLIN, SYRUP, MORPHINE, DIAZEPAM)}
ADULT = 40 * 12


def a_line(code: str = "T001", **more: Any) -> dict[str, Any]:
    return {
        "ma": code,
        "ten": None,
        "ham_luong": None,
        "so_luong": "21",
        "don_vi": None,
        "lieu": "1 viên",
        "so_lan": 3,
        "duong_dung": None,
        "thoi_diem": "sau ăn",
        "so_ngay": 7,
    } | more


def judged(*lines: dict[str, Any], months: int = ADULT, **more: Any) -> dict[str, str]:
    limits = more.pop("limits", Limits())
    guardian = more.pop("has_guardian", False)
    values = {
        "thuoc": list(lines or (a_line(),)),
        "chan_doan": [{"code": "J18.1", "name": "Viêm phổi"}],
    } | more
    return judge(values, months=months, drugs=DRUGS, limits=limits, has_guardian=guardian)


def test_an_ordinary_prescription_has_nothing_against_it() -> None:
    assert judged() == {}


def test_codes_are_random_unique_and_of_the_printed_form() -> None:
    codes = {new_code("99999") for _ in range(100_000)}
    assert len(codes) == 100_000
    assert all(re.fullmatch(r"^.{5}[0-9a-z]{7}-[NHCT]$", code) for code in codes)
    assert not is_code("99999K3V9X0A-C")
    assert CODE.fullmatch("01234k3v9x0a-C")


@pytest.mark.parametrize("facility", ["9999", "999999", "99 99", ""])
def test_a_facility_code_of_another_length_makes_no_prescription(facility: str) -> None:
    with pytest.raises(ValueError, match="facility code"):
        new_code(facility)


@pytest.mark.parametrize(("months", "wrong"), [(71, {"can_nang", "nguoi_dua_tre"}), (72, set())])
def test_a_child_under_72_months_needs_weight_and_who_brings_it(months: int, wrong: set[str]) -> None:
    assert set(judged(months=months)) == wrong
    assert judged(months=months, can_nang="12.5", nguoi_dua_tre="Trần Thị Mẹ") == {}


def test_the_guardian_of_the_visit_counts_as_who_brings_the_child() -> None:
    assert judged(months=30, can_nang="12", has_guardian=True) == {}


@pytest.mark.parametrize(
    ("birth", "on", "months"),
    [
        (date(2020, 11, 22), date(2026, 11, 21), 71),
        (date(2020, 11, 21), date(2026, 11, 21), 72),
        (date(2026, 10, 31), date(2026, 11, 30), 0),
    ],
)
def test_months_are_full_months(birth: date, on: date, months: int) -> None:
    assert age_months(birth, on) == months


def test_more_than_thirty_days_are_refused_unless_the_diagnosis_is_listed() -> None:
    assert judged(a_line(so_ngay=30)) == {}
    assert judged(a_line(so_ngay=31)) == {"thuoc.0.so_ngay": "Số ngày kê đơn tối đa là 30."}
    listed = Limits(long_codes=frozenset({"J18"}))
    assert judged(a_line(so_ngay=90), limits=listed) == {}
    assert judged(a_line(so_ngay=91), limits=listed)
    assert longest_days(["I10"], listed) == 30


def test_what_is_not_in_the_drug_list_is_refused_with_the_way_out() -> None:
    errors = judged(a_line("TPCN01", ten="Viên uống bổ não"))
    assert "không phải thuốc trong danh mục" in errors["thuoc.0.ma"]
    assert "lời dặn" in errors["thuoc.0.ma"]


@pytest.mark.parametrize(("code", "kind"), [("T900", "gây nghiện"), ("T901", "hướng thần")])
def test_controlled_drugs_need_their_own_form(code: str, kind: str) -> None:
    assert kind in judged(a_line(), a_line(code))["thuoc.1.ma"]


def test_one_drug_stands_on_one_line() -> None:
    assert judged(a_line(), a_line()) == {"thuoc.1.ma": "Thuốc này đã có ở dòng 1. Gộp vào một dòng."}


def test_bottles_are_counted_whole() -> None:
    assert "số nguyên" in judged(a_line("T002", so_luong="1.5"))["thuoc.0.so_luong"]
    assert judged(a_line("T001", so_luong="1.5")) == {}


@pytest.mark.parametrize(
    ("name", "inn", "printed"),
    [
        ("Amoxivd", "Amoxicilin", "Amoxicilin (Amoxivd)"),
        ("Amoxicilin 500", "Amoxicilin", "Amoxicilin"),
        ("paracetamol", "Paracetamol", "paracetamol"),
        ("Augvd", "Amoxicilin + acid clavulanic", "Augvd"),
        ("Vắc-xin X", "", "Vắc-xin X"),
    ],
)
def test_names_are_printed_as_the_circular_wants(name: str, inn: str, printed: str) -> None:
    drug = Drug("X", name, inn, "", "", "", "")
    assert drug_name(drug) == printed


def test_drugs_are_collected_within_five_days() -> None:
    assert valid_until(date(2026, 11, 21), Limits()) == date(2026, 11, 25)


@given(st.integers(0, 1200), st.integers(1, 120), st.sampled_from([*DRUGS, "X"]), st.booleans())
def test_whatever_is_let_through_keeps_the_hard_rules(
    months: int, days: int, code: str, weight: bool
) -> None:
    errors = judged(a_line(code, so_ngay=days), months=months, can_nang="10" if weight else None)
    if not errors:
        assert days <= 30
        assert code in DRUGS
        assert not DRUGS[code].control
        assert months >= 72
