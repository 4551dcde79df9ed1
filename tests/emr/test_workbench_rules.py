"""The doctor's one page is sorted into the sheets it fills."""

from hypothesis import given
from hypothesis import strategies as st

from emr.api import OrderState, Outcome
from emr.workbench.rules import (
    appointment_data,
    diagnoses_of,
    diagnoses_of_note,
    note_data,
    outcome_of,
    page_fields,
    prescription_data,
    progress,
    rows_of,
    split_by_form,
)

F411 = {"code": "F41.1", "name": "Rối loạn lo âu lan tỏa"}
G470 = {"code": "G47.0", "name": "Rối loạn vào giấc và duy trì giấc ngủ"}


def dx(*rows: dict[str, str]) -> list[tuple[str, str]]:
    return [(f"dx.{n}.{key}", text) for n, row in enumerate(rows) for key, text in row.items()]


def test_fields_go_to_their_sheet() -> None:
    parts = split_by_form(
        [("PKB:ly_do", "Mất ngủ"), ("DT-C:thuoc.0.ten", "Sertralin"), ("dx.0.code", "F41.1")]
    )
    assert parts == {
        "PKB": [("ly_do", "Mất ngủ")],
        "DT-C": [("thuoc.0.ten", "Sertralin")],
        "": [("dx.0.code", "F41.1")],
    }


def test_rows_keep_the_order_of_their_numbers() -> None:
    pairs = [("dx.10.code", "G47.0"), ("dx.2.code", "F41.1"), ("dx.5.code", " "), ("dx.x.code", "A00")]
    assert rows_of(pairs, "dx") == [{"code": "F41.1"}, {"code": "G47.0"}]


def test_the_first_diagnosis_is_the_main_one_and_each_counts_once() -> None:
    diagnoses = diagnoses_of(dx(F411, G470, F411))
    data = note_data({"ly_do": "Mất ngủ"}, diagnoses)
    assert (data["chan_doan_chinh"], data["chan_doan_kem_theo"]) == (F411, [G470])
    assert diagnoses_of_note(data) == [F411, G470]


def test_no_diagnosis_is_said_as_nothing() -> None:
    assert note_data({}, []) == {"chan_doan_chinh": None, "chan_doan_kem_theo": []}
    assert diagnoses_of_note({}) == []


def test_a_prescription_without_drugs_is_no_sheet() -> None:
    assert prescription_data({"thuoc": []}, [F411]) is None
    assert prescription_data({"thuoc": [{"ten": "Sertralin"}]}, [F411]) == {
        "thuoc": [{"ten": "Sertralin"}],
        "chan_doan": [F411],
    }


def test_an_appointment_needs_a_day() -> None:
    assert appointment_data({"hen_ngay": " "}, [F411]) is None
    slip = appointment_data({"hen_ngay": "05/12/2026"}, [F411, G470])
    assert slip is not None
    assert (slip["chan_doan"], slip["benh_kem_theo"]) == (F411, [G470])


def test_the_note_says_how_the_visit_ends() -> None:
    assert outcome_of({"huong_giai_quyet": "4"}) is Outcome.ADMITTED
    assert outcome_of({}) is Outcome.HOME


def test_voided_orders_are_not_waited_for() -> None:
    assert progress([OrderState.DONE, OrderState.REPORTED, OrderState.HELD, OrderState.VOIDED]) == (2, 3)


def test_errors_are_named_by_the_fields_of_the_page() -> None:
    errors = {"chan_doan_chinh": "Cần ghi chẩn đoán.", "thuoc.0.lieu": "Cần ghi liều."}
    assert page_fields(errors, "DT-C") == {"dx": "Cần ghi chẩn đoán.", "DT-C:thuoc.0.lieu": "Cần ghi liều."}


@given(st.lists(st.tuples(st.text(), st.text())))
def test_whatever_is_sent_is_read_without_a_fault(pairs: list[tuple[str, str]]) -> None:
    diagnoses_of(pairs)
    split_by_form(pairs)
