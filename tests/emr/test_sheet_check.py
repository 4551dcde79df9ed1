"""What is written on a sheet is read strictly, and each refusal says where and what to do."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emr.sheets.check import Bad, check, is_empty, read_value, shown, unflatten
from emr.sheets.form import Field, FieldType, Option
from tests.emr.forms import answers, the_form

READ: tuple[FieldType, ...] = (
    "text",
    "note",
    "date",
    "moment",
    "integer",
    "decimal",
    "choice",
    "choices",
    "diagnosis",
    "diagnoses",
)
OPTIONS = (Option("1", "Một"), Option("2", "Hai"))


def a_field(kind: FieldType, **more: Any) -> Field:
    options = OPTIONS if kind in ("choice", "choices") else ()
    return Field(key="x", label="1. Mục thử:", type=kind, **{"options": options, **more})


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("text", "  Sốt   cao ", "Sốt cao"),
        ("note", "Dòng một\r\nDòng hai  ", "Dòng một\nDòng hai"),
        ("date", "21/11/2026", "2026-11-21"),
        ("date", "21112026", "2026-11-21"),
        ("date", "2026-11-21", "2026-11-21"),
        ("moment", "21/11/2026 14:05", "2026-11-21T14:05+07:00"),
        ("moment", "2026-11-21T14:05", "2026-11-21T14:05+07:00"),
        ("moment", "2026-11-21T07:05:00+00:00", "2026-11-21T14:05+07:00"),
        ("integer", "80", 80),
        ("integer", 80, 80),
        ("decimal", "38,5", "38.5"),
        ("decimal", "38.50", "38.5"),
        ("decimal", "100", "100"),
        ("choice", "2", "2"),
        ("choices", ["2", "1"], ["1", "2"]),
        ("choices", "2", ["2"]),
        ("tick", "on", True),
        ("diagnosis", {"code": "j18.1", "name": "Viêm phổi"}, {"code": "J18.1", "name": "Viêm phổi"}),
        ("diagnosis", "Theo dõi viêm phổi", {"code": "", "name": "Theo dõi viêm phổi"}),
        (
            "diagnoses",
            [{"code": "I10", "name": "THA"}, {"code": "", "name": ""}],
            [{"code": "I10", "name": "THA"}],
        ),
    ],
)
def test_values_are_kept_in_one_form(kind: FieldType, raw: Any, value: Any) -> None:
    assert read_value(a_field(kind), raw) == value


@pytest.mark.parametrize(
    ("kind", "raw", "reason"),
    [
        ("text", "a\x07b", "ký tự điều khiển"),
        ("text", "x" * 501, "nhiều nhất 500"),
        ("text", 5, "phải là chữ"),
        ("note", "đau 中", "Không in được ký tự 中"),
        ("date", "31/02/2026", "ghi ngày như 21/11/2026"),
        ("moment", "21/11/2026", "ghi giờ và ngày"),
        ("moment", "2026-11-21", "ghi giờ và ngày"),
        ("moment", "25:00 hôm nay", "ghi giờ và ngày"),
        ("integer", "38.5", "số nguyên"),
        ("integer", True, "phải là số"),
        ("integer", "1e9", "phải là số"),
        ("decimal", "ba mươi", "phải là số"),
        ("choice", "3", "chọn một"),
        ("diagnosis", {"code": "J18.1", "name": ""}, "thiếu tên bệnh"),
        ("diagnosis", {"code": "XYZ", "name": "?"}, "không phải mã ICD-10"),
        ("diagnosis", 7, "ghi mã ICD-10"),
    ],
)
def test_refused_values_say_why(kind: FieldType, raw: Any, reason: str) -> None:
    with pytest.raises(Bad, match=reason):
        read_value(a_field(kind), raw)


@pytest.mark.parametrize(("raw", "good"), [("19", False), ("20", True), ("250", True), ("251", False)])
def test_the_range_of_a_field_includes_its_ends(raw: str, good: bool) -> None:
    field = a_field("integer", minimum=20, maximum=250, unit="lần/phút")
    if good:
        assert read_value(field, raw) == int(raw)
    else:
        with pytest.raises(Bad, match="lần/phút"):
            read_value(field, raw)


def test_a_required_field_is_named_without_its_number() -> None:
    with pytest.raises(Bad, match=r"^Cần ghi: Mục thử\.$"):
        read_value(a_field("text", required=True), "   ")


def test_a_fault_in_a_table_names_its_cell() -> None:
    rows = answers("DT-C")["thuoc"]
    _, errors = check(
        the_form("DT-C"), "A", answers("DT-C") | {"thuoc": [rows[0], {**rows[1], "so_ngay": "x"}]}
    )
    assert errors == {"thuoc.1.so_ngay": "Dòng 2: Số ngày phải là số."}


@pytest.mark.parametrize("code", ["PKB", "15-BV1", "PCD", "DT-C", "PHK", "GRV"])
def test_a_full_form_has_no_errors_and_an_empty_one_keeps_every_field(code: str) -> None:
    form = the_form(code)
    for stage in form.stages:
        values, errors = check(form, stage.code, answers(code, stage.code))
        assert errors == {}
        empty, missing = check(form, stage.code, {})
        required = {field.key for field in form.fields_of(stage.code) if field.required}
        assert set(missing) == required
        assert set(empty) | required == set(values)


def test_canonical_values_are_read_as_themselves() -> None:
    form = the_form("PKB")
    values, _ = check(form, "A", answers("PKB"))
    again, errors = check(form, "A", values)
    assert (again, errors) == (values, {})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s),
    )
)
def test_anything_at_all_is_read_or_refused_in_words(raw: Any) -> None:
    for kind in READ:
        with suppress(Bad):
            read_value(a_field(kind), raw)


def test_blank_rows_count_as_nothing() -> None:
    assert is_empty([{"a": " ", "b": None}, {}])
    assert not is_empty([{"a": "x"}])


def test_a_web_form_becomes_rows_in_their_order() -> None:
    pairs = [
        ("thuoc.10.ma", "T3"),
        ("thuoc.2.ma", "T2"),
        ("thuoc.0.ma", "T1"),
        ("chan_doan.0.code", "I10"),
        ("chan_doan.0.name", "THA"),
        ("ho_ten", "không nhận"),
        ("la", "bỏ"),
        ("loi_dan", "Uống nước"),
    ]
    assert unflatten(the_form("DT-C"), "A", pairs) == {
        "thuoc": [{"ma": "T1"}, {"ma": "T2"}, {"ma": "T3"}],
        "chan_doan": [{"code": "I10", "name": "THA"}],
        "loi_dan": "Uống nước",
    }


def test_people_read_values_with_their_units_and_commas() -> None:
    assert shown(a_field("decimal", unit="°C"), "38.5") == "38,5 °C"
    assert shown(a_field("moment"), "2026-11-21T14:05+07:00") == "14 giờ 05 phút, ngày 21/11/2026"
    assert shown(a_field("choices"), ["1", "2"]) == "Một, Hai"
    assert shown(a_field("diagnosis"), {"code": "I10", "name": "Tăng huyết áp"}) == "Tăng huyết áp (I10)"
