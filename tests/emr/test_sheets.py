"""Drafts: opened with proposals, saved by compare-and-set, given up; and what keeps them closed."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from emr.once import IdReused
from emr.orders.service import place_orders
from emr.orders.views import OrderLine, PlaceOrders
from emr.settings import EmrSettings
from emr.sheets.lists import diagnoses_of_visit, documents_of_patient
from emr.sheets.rules import NEXT, SheetState, may_move, together
from emr.sheets.service import (
    FormNotInUse,
    InvalidSheet,
    NoSuchForm,
    NoSuchSheet,
    NotTheWriter,
    SheetLocked,
    SheetNotOpened,
    StaleDraft,
    amend_sheet,
    cancel_draft,
    get_sheet,
    open_sheet,
    read_sheet,
    save_draft,
    sheets_of_visit,
)
from emr.sheets.views import AmendSheet, OpenSheet, SaveDraft, SheetView
from kernel.audit.api import entries_of_patient
from kernel.ids import new_id
from kernel.staff.api import Role
from tests.emr.builders import DOCTOR, LATER, NOW, RECEPTION, a_visit, an_actor
from tests.emr.forms import PNEUMONIA, PRESSURE, answers

SETTINGS = EmrSettings()


async def a_sheet(session: AsyncSession, code: str = "PKB", **more: Any) -> SheetView:
    """An open draft of a new visit, unless `visit_id` names one."""
    settings = more.pop("settings", SETTINGS)
    visit_id = more.pop("visit_id", None) or (await a_visit(session)).id
    command = OpenSheet(new_id(), visit_id, code, **more)
    return await open_sheet(session, command, actor=DOCTOR, now=NOW, settings=settings)


async def written(session: AsyncSession, sheet: SheetView, **data: Any) -> SheetView:
    command = SaveDraft(sheet.id, sheet.revision, sheet.data | data)
    return await save_draft(session, command, actor=DOCTOR, now=LATER)


async def test_a_sheet_opens_with_what_the_chart_knows(hospital: AsyncSession) -> None:
    sheet = await a_sheet(hospital)
    assert sheet.facts["ho_ten"] == "TRẦN THỊ MẪU"
    assert sheet.facts["doi_tuong"] == "Viện phí"
    assert sheet.data["ly_do"] == "Mất ngủ"
    assert (sheet.state, sheet.revision, sheet.version) == (SheetState.DRAFT, 1, 1)
    assert sheet.title == "Phiếu khám bệnh"


async def test_opening_twice_with_one_id_opens_one_sheet(hospital: AsyncSession) -> None:
    visit = await a_visit(hospital)
    command = OpenSheet(new_id(), visit.id, "PKB")
    first = await open_sheet(hospital, command, actor=DOCTOR, now=NOW, settings=SETTINGS)
    again = await open_sheet(hospital, command, actor=DOCTOR, now=LATER, settings=SETTINGS)
    assert again == first
    other = replace(command, form_code="PHK")
    with pytest.raises(IdReused):
        await open_sheet(hospital, other, actor=DOCTOR, now=NOW, settings=SETTINGS)


async def test_a_form_is_refused_when_unknown_off_or_out_of_place(hospital: AsyncSession) -> None:
    visit = await a_visit(hospital)
    with pytest.raises(NoSuchForm):
        await a_sheet(hospital, "99/BV1", visit_id=visit.id)
    with pytest.raises(NoSuchForm):
        await a_sheet(hospital, "PKB", visit_id=visit.id, stage="Z")
    with pytest.raises(FormNotInUse):
        await a_sheet(hospital, "15-BV1", visit_id=visit.id)
    with pytest.raises(SheetNotOpened, match="Nhập viện"):
        await a_sheet(hospital, "GRV", visit_id=visit.id)


async def test_the_outpatient_record_is_there_when_the_facility_uses_it(hospital: AsyncSession) -> None:
    for settings in (EmrSettings(forms_on=("15-BV1",)), EmrSettings(outpatient_record_required=True)):
        assert (await a_sheet(hospital, "15-BV1", settings=settings)).title.startswith("Bệnh án ngoại trú")


async def test_part_two_of_a_record_waits_for_the_signature_of_part_one(hospital: AsyncSession) -> None:
    settings = EmrSettings(forms_on=("15-BV1",))
    visit = await a_visit(hospital)
    with pytest.raises(SheetNotOpened, match="phần i"):
        await a_sheet(hospital, "15-BV1", visit_id=visit.id, stage="B", settings=settings)
    part = await a_sheet(hospital, "15-BV1", visit_id=visit.id, settings=settings)
    await hospital.execute(
        text("UPDATE emr_sheet SET author_signed_at = now() WHERE id = :id"), {"id": part.id}
    )
    hospital.expire_all()
    second = await a_sheet(hospital, "15-BV1", visit_id=visit.id, stage="B", settings=settings)
    assert second.title == "Bệnh án ngoại trú - phần ii: tổng kết bệnh án"


async def test_a_visit_has_one_note(hospital: AsyncSession) -> None:
    sheet = await a_sheet(hospital)
    with pytest.raises(SheetNotOpened, match="đã có"):
        await a_sheet(hospital, visit_id=sheet.visit_id)


async def test_only_doctors_write(hospital: AsyncSession) -> None:
    visit = await a_visit(hospital)
    nurse = an_actor(Role.NURSE)
    with pytest.raises(NotTheWriter):
        await open_sheet(
            hospital, OpenSheet(new_id(), visit.id, "PKB"), actor=nurse, now=NOW, settings=SETTINGS
        )
    sheet = await a_sheet(hospital, visit_id=visit.id)
    with pytest.raises(NotTheWriter):
        await save_draft(hospital, SaveDraft(sheet.id, 1, {}), actor=RECEPTION, now=NOW)
    with pytest.raises(NotTheWriter):
        await cancel_draft(hospital, sheet.id, actor=RECEPTION, now=NOW)


async def test_a_draft_is_saved_even_when_it_is_not_complete(hospital: AsyncSession) -> None:
    sheet = await written(hospital, await a_sheet(hospital), mach="tám mươi", toan_than="Tỉnh")
    assert sheet.revision == 2
    assert (await get_sheet(hospital, sheet.id, now=NOW)).data["mach"] == "tám mươi"


async def test_a_stale_save_is_refused_and_a_repeated_one_is_not(hospital: AsyncSession) -> None:
    sheet = await a_sheet(hospital)
    command = SaveDraft(sheet.id, 1, {"toan_than": "Tỉnh"})
    first = await save_draft(hospital, command, actor=DOCTOR, now=LATER)
    again = await save_draft(hospital, command, actor=DOCTOR, now=LATER)
    assert (first.revision, again.revision) == (2, 2)
    with pytest.raises(StaleDraft) as refusal:
        await save_draft(hospital, SaveDraft(sheet.id, 1, {"toan_than": "Mê"}), actor=DOCTOR, now=LATER)
    assert refusal.value.extra == {"revision": 2}
    assert (await get_sheet(hospital, sheet.id, now=NOW)).data == {"toan_than": "Tỉnh"}


async def test_fields_the_form_does_not_have_and_endless_texts_are_refused(hospital: AsyncSession) -> None:
    sheet = await a_sheet(hospital)
    with pytest.raises(InvalidSheet) as refusal:
        await written(hospital, sheet, la="x")
    assert refusal.value.errors == {"la": "Mẫu không có mục này."}
    with pytest.raises(InvalidSheet):
        await written(hospital, sheet, toan_than="x" * 500_000)


async def test_given_facts_cannot_be_typed_over(hospital: AsyncSession) -> None:
    sheet = await written(hospital, await a_sheet(hospital), ho_ten="NGƯỜI KHÁC")
    assert "ho_ten" not in sheet.data
    assert (await get_sheet(hospital, sheet.id, now=NOW)).facts["ho_ten"] == "TRẦN THỊ MẪU"


async def test_diagnoses_are_known_while_they_are_written(hospital: AsyncSession) -> None:
    sheet = await a_sheet(hospital)
    await written(hospital, sheet, chan_doan_chinh=PNEUMONIA, chan_doan_kem_theo=[PRESSURE])
    stated = await diagnoses_of_visit(hospital, sheet.visit_id)
    assert [(part.role, part.code) for part in stated] == [("MAIN", "J18.1"), ("OTHER", "I10")]


async def test_what_the_note_states_is_proposed_to_the_prescription(hospital: AsyncSession) -> None:
    sheet = await a_sheet(hospital)
    await written(hospital, sheet, chan_doan_chinh=PNEUMONIA, chan_doan_kem_theo=[PRESSURE], can_nang="52,5")
    prescription = await a_sheet(hospital, "DT-C", visit_id=sheet.visit_id)
    assert prescription.data == {"chan_doan": [PNEUMONIA, PRESSURE], "can_nang": "52,5"}


async def test_orders_stand_on_the_request_once(hospital: AsyncSession) -> None:
    visit = await a_visit(hospital)
    wanted = [OrderLine(new_id(), "XN01"), OrderLine(new_id(), "XN02")]
    await place_orders(hospital, PlaceOrders(visit.id, wanted), actor=DOCTOR, now=NOW)
    sheet = await a_sheet(hospital, "PCD", visit_id=visit.id)
    lines = {line["ten"]: line["noi"] for line in sheet.facts["chi_dinh"]}
    assert lines == {"Glucose máu": "XN1", "Định lượng vitamin D": "XN1"}
    assert sheet.data["muc_do"] == "ROUTINE"


async def test_a_cancelled_draft_stays_readable_and_frees_its_place(hospital: AsyncSession) -> None:
    sheet = await written(hospital, await a_sheet(hospital), toan_than="Tỉnh")
    gone = await cancel_draft(hospital, sheet.id, actor=DOCTOR, now=LATER)
    assert gone.state is SheetState.CANCELLED
    assert (await get_sheet(hospital, sheet.id, now=LATER)).data["toan_than"] == "Tỉnh"
    with pytest.raises(SheetLocked):
        await written(hospital, gone, toan_than="Mê")
    assert (await a_sheet(hospital, visit_id=sheet.visit_id)).state is SheetState.DRAFT
    assert len(await sheets_of_visit(hospital, sheet.visit_id)) == 2


async def test_a_draft_is_not_amended(hospital: AsyncSession) -> None:
    sheet = await a_sheet(hospital)
    with pytest.raises(SheetNotOpened):
        await amend_sheet(hospital, sheet.id, AmendSheet(new_id(), "Sửa"), actor=DOCTOR, now=LATER)
    with pytest.raises(NoSuchSheet):
        await amend_sheet(hospital, new_id(), AmendSheet(new_id(), "Sửa"), actor=DOCTOR, now=LATER)


async def test_reading_a_sheet_is_audited_and_a_missing_one_is_told(hospital: AsyncSession) -> None:
    sheet = await a_sheet(hospital)
    await read_sheet(hospital, sheet.id, actor=DOCTOR, now=NOW)
    audited = [entry.action for entry in await entries_of_patient(hospital, sheet.patient_id)]
    assert "view" in audited
    with pytest.raises(NoSuchSheet):
        await read_sheet(hospital, new_id(), actor=DOCTOR, now=NOW)


async def test_a_draft_is_no_document(hospital: AsyncSession) -> None:
    sheet = await a_sheet(hospital)
    assert await documents_of_patient(hospital, sheet.patient_id) == []


async def test_a_sheet_is_never_deleted(hospital: AsyncSession) -> None:
    sheet = await a_sheet(hospital)
    with pytest.raises(DBAPIError):
        async with hospital.begin_nested():
            await hospital.execute(text("DELETE FROM emr_sheet WHERE id = :id"), {"id": sheet.id})


@pytest.mark.parametrize("old", list(SheetState))
@pytest.mark.parametrize("new", list(SheetState))
def test_sheets_move_forward_only(old: SheetState, new: SheetState) -> None:
    allowed = {
        ("DRAFT", "COMPLETED"),
        ("DRAFT", "CANCELLED"),
        ("COMPLETED", "SIGNED"),
        ("COMPLETED", "SUPERSEDED"),
        ("SIGNED", "SUPERSEDED"),
    }
    assert may_move(old, new) is ((old.value, new.value) in allowed)
    assert (new in NEXT[old]) is may_move(old, new)


@pytest.mark.parametrize(
    ("form", "values", "months", "wrong"),
    [
        ("PKB", {"huyet_ap_tam_thu": 80, "huyet_ap_tam_truong": 80}, 500, {"huyet_ap_tam_truong"}),
        ("PKB", {"huyet_ap_tam_thu": 120, "huyet_ap_tam_truong": 80}, 500, set()),
        ("PHK", {"hen_ngay": "2026-11-21"}, 500, {"hen_ngay"}),
        ("PHK", {"hen_ngay": "2026-11-22"}, 500, set()),
        ("PHK", {"hen_ngay": "2028-01-01"}, 500, {"hen_ngay"}),
        ("GRV", {"so_ngay_nghi": 30, "nghi_loai": "30"}, 500, set()),
        ("GRV", {"so_ngay_nghi": 31}, 500, {"so_ngay_nghi"}),
        ("GRV", {"so_ngay_nghi": 50, "nghi_loai": "50", "tuoi_thai": 13}, 400, set()),
        ("GRV", {"so_ngay_nghi": 50, "nghi_loai": "50", "tuoi_thai": 12}, 400, {"tuoi_thai"}),
        ("GRV", {"so_ngay_nghi": 181, "nghi_loai": "180"}, 400, {"so_ngay_nghi"}),
        ("GRV", {}, 191, {"nguoi_giam_ho"}),
        ("GRV", {}, 192, set()),
        ("GRV", {"nguoi_giam_ho": "Mẹ"}, 191, set()),
        (
            "GRV",
            {"vao_vien": "2026-11-21T08:00+07:00", "ra_vien": "2026-11-20T08:00+07:00"},
            500,
            {"ra_vien"},
        ),
        (
            "15-BV1",
            {"dt_ngoai_tru_tu": "2026-11-21", "dt_ngoai_tru_den": "2026-11-20"},
            500,
            {"dt_ngoai_tru_den"},
        ),
    ],
)
def test_fields_must_agree_with_each_other(
    form: str, values: dict[str, Any], months: int, wrong: set[str]
) -> None:
    today = (NOW + timedelta(hours=7)).date()
    assert set(together(form, values, today=today, age_months=months)) == wrong


def test_every_form_has_an_answer_builder() -> None:
    assert answers("PKB")["chan_doan_chinh"] == PNEUMONIA
