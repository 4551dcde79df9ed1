"""Prescriptions: completed with words of the catalogue, locked line by line, replaced but never edited."""

import json
from datetime import date
from io import BytesIO
from typing import Any

import httpx
import pikepdf
import pytest
from msgspec.structs import replace
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from emr.episodes.views import Guardian
from emr.prescriptions.rules import is_code
from emr.prescriptions.service import (
    NoSuchPrescription,
    NotLicensed,
    OutpatientRecordMissing,
    get_prescription,
    prescriptions_of_visit,
    read_prescription,
)
from emr.settings import EmrSettings
from emr.sheets.completion import complete_sheet
from emr.sheets.rules import SheetState
from emr.sheets.service import InvalidSheet, amend_sheet, save_draft
from emr.sheets.views import AmendSheet, CompleteSheet, SaveDraft, SheetView
from kernel.audit.api import entries_of_patient
from kernel.ids import new_id
from kernel.services import Services
from kernel.staff.api import Role
from tests.conftest import SignedIn
from tests.emr.builders import DOCTOR, LATER, NOW, a_patient, a_visit, an_actor
from tests.emr.forms import DRUGS, PRESSURE
from tests.emr.sheet_acts import a_draft, an_account, completed, run, signed
from tests.kernel.paper.papers import assert_archivable, text_of


async def a_prescription(session: AsyncSession, **more: Any) -> SheetView:
    lines = more.pop("lines", DRUGS)
    data = {"chan_doan": [PRESSURE], "thuoc": lines, "loi_dan": "Uống nhiều nước"} | more.pop("values", {})
    return await a_draft(session, "DT-C", data=data, **more)


async def completed_under(services: Services, sheet: SheetView, settings: EmrSettings) -> SheetView:
    """Complete a sheet as an installation with other settings would."""
    installation = replace(services.settings, emr=settings)
    own = replace(services, settings=installation)
    return await complete_sheet(own, sheet.id, CompleteSheet(), actor=DOCTOR, now=LATER)


async def test_the_pharmacist_finds_the_prescription_on_the_chart_and_nothing_else(
    client: httpx.AsyncClient, signed_in: SignedIn, services: Services, records: AsyncSession
) -> None:
    sheet = await a_prescription(records)
    chart = f"/patients/{sheet.patient_id}"
    await signed_in(Role.PHARMACIST, department="K07")
    page = (await client.get(chart)).text
    assert f"/sheets/{sheet.id}" not in page, "a draft is no prescription"
    assert "Chưa có đơn thuốc" in page
    await completed(services, sheet)
    page = (await client.get(chart)).text
    assert f"/sheets/{sheet.id}" in page
    assert "Chỉ định và kết quả" not in page
    assert (await client.get(f"/sheets/{sheet.id}")).status_code == 200


async def test_a_prescription_is_printed_with_code_names_zeros_and_directions(
    records: AsyncSession, services: Services
) -> None:
    sheet = await completed(services, await a_prescription(records))
    (view,) = await prescriptions_of_visit(records, sheet.visit_id)
    assert is_code(view.code)
    assert view.code.startswith("99999")
    pdf = await services.objects.get(str(sheet.sha256))
    read = " ".join(text_of(pdf).split())
    for part in (
        view.code,
        "1. Amoxicilin (Amoxivd) 500 mg",
        "Số lượng: 21 viên",
        "2. Paracetamol 500 mg",
        "Số lượng: 09 viên",
        "Uống: ngày 3 lần, mỗi lần 1 viên, sau ăn, trong 7 ngày.",
        "Cộng khoản: 02",
        "Khám lại xin mang theo đơn này.",
    ):
        assert part in read
    assert_archivable(pdf)


async def test_the_lines_are_kept_as_they_were_signed(records: AsyncSession, services: Services) -> None:
    sheet = await completed(services, await a_prescription(records))
    (view,) = await prescriptions_of_visit(records, sheet.visit_id)
    assert [(line.position, line.drug_code, line.name, str(line.quantity)) for line in view.lines] == [
        (1, "T001", "Amoxicilin (Amoxivd)", "21.00"),
        (2, "T002", "Paracetamol", "9.00"),
    ]
    assert view.valid_until == date(2026, 11, 25)
    with pikepdf.open(BytesIO(await services.objects.get(str(sheet.sha256)))) as file:
        inside = json.loads(file.attachments["DT-C.json"].get_file().read_bytes())
    assert inside["fields"]["ma_don"] == view.code
    assert [line["ma"] for line in inside["fields"]["thuoc"]] == ["T001", "T002"]


async def test_rules_of_the_circular_stop_the_signature_by_field(
    records: AsyncSession, services: Services
) -> None:
    lines = [{**DRUGS[0], "so_ngay": "31"}, {**DRUGS[1], "ma": "T900"}, {**DRUGS[1], "ma": "TPCN"}]
    with pytest.raises(InvalidSheet) as refusal:
        await completed(services, await a_prescription(records, lines=lines))
    assert set(refusal.value.errors) == {"thuoc.0.so_ngay", "thuoc.1.ma", "thuoc.2.ma"}
    assert await prescriptions_of_visit(records, new_id()) == []


async def test_an_incomplete_line_names_its_cell(records: AsyncSession, services: Services) -> None:
    lines = [{**DRUGS[0], "thoi_diem": ""}]
    with pytest.raises(InvalidSheet) as refusal:
        await completed(services, await a_prescription(records, lines=lines))
    assert refusal.value.errors == {"thuoc.0.thoi_diem": "Dòng 1: Cần ghi: Thời điểm dùng."}


async def test_a_child_needs_weight_and_who_brings_it(records: AsyncSession, services: Services) -> None:
    child = await a_patient(records, name="Bé Bi", birth_date=date(2023, 5, 1))
    visit = await a_visit(records, patient_id=child.id, guardian=Guardian("Trần Thị Mẹ", "mẹ"))
    draft = await a_prescription(records, visit_id=visit.id)
    with pytest.raises(InvalidSheet) as refusal:
        await completed(services, draft)
    assert set(refusal.value.errors) == {"can_nang"}
    command = SaveDraft(
        draft.id, draft.revision, draft.data | {"can_nang": "13,5", "nguoi_dua_tre": "Trần Thị Mẹ"}
    )
    sheet = await completed(services, await save_draft(records, command, actor=DOCTOR, now=LATER))
    read = text_of(await services.objects.get(str(sheet.sha256)))
    assert "13,5 kg" in read
    assert "Trần Thị Mẹ" in read
    assert "42 tháng" in read


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE emr_prescription_line SET quantity = 99 WHERE sheet_id = :id",
        "DELETE FROM emr_prescription_line WHERE sheet_id = :id",
        "INSERT INTO emr_prescription_line SELECT sheet_id, 9, drug_code, name, strength, unit, 1, dose, 1, route, "
        "moment, 1 FROM emr_prescription_line WHERE sheet_id = :id AND position = 1",
        "UPDATE emr_prescription SET valid_until = '2099-01-01' WHERE sheet_id = :id",
        "DELETE FROM emr_prescription WHERE sheet_id = :id",
    ],
)
async def test_a_line_cannot_be_changed_behind_the_sheet(
    records: AsyncSession, services: Services, statement: str
) -> None:
    sheet = await completed(services, await a_prescription(records))
    with pytest.raises(DBAPIError, match=r"locked|permission denied"):
        async with records.begin_nested():
            await run(records, statement, id=sheet.id)


async def test_a_correction_is_a_new_prescription_with_a_new_code(
    records: AsyncSession, services: Services
) -> None:
    old = await signed(services, await completed(services, await a_prescription(records)))
    command = AmendSheet(new_id(), "Đổi số ngày dùng")
    draft = await amend_sheet(records, old.id, command, actor=DOCTOR, now=LATER)
    new = await signed(services, await completed(services, draft))
    records.expire_all()
    first, second = sorted(
        await prescriptions_of_visit(records, old.visit_id), key=lambda view: view.replaces_id is not None
    )
    assert (first.state, second.state) == (SheetState.SUPERSEDED, SheetState.SIGNED)
    assert second.replaces_id == first.sheet_id == old.id
    assert first.code != second.code
    assert second.sheet_id == new.id


async def test_a_prescriber_without_licence_is_refused(records: AsyncSession, services: Services) -> None:
    trainee = an_actor(Role.DOCTOR, name="Học Viên")
    await an_account(records, trainee, licence=None)
    draft = await a_prescription(records)
    with pytest.raises(NotLicensed):
        await completed(services, draft, actor=trainee)


async def test_the_outpatient_record_rule_changes_the_outcome(
    records: AsyncSession, services: Services
) -> None:
    required = EmrSettings(outpatient_record_required=True)
    draft = await a_prescription(records)
    with pytest.raises(OutpatientRecordMissing):
        await completed_under(services, draft, required)
    await a_draft(records, "15-BV1", visit_id=draft.visit_id, settings=required)
    assert (await completed_under(services, draft, required)).state is SheetState.COMPLETED


async def test_listed_diagnoses_may_be_prescribed_for_longer(
    records: AsyncSession, services: Services
) -> None:
    draft = await a_prescription(records, lines=[{**DRUGS[0], "so_ngay": "60", "so_luong": "180"}])
    with pytest.raises(InvalidSheet):
        await completed(services, draft)
    listed = EmrSettings(prescription_long_codes=("I10",))
    assert (await completed_under(services, draft, listed)).state is SheetState.COMPLETED


async def test_a_prescription_is_found_by_its_code_in_any_case_and_the_look_is_audited(
    records: AsyncSession, services: Services
) -> None:
    sheet = await completed(services, await a_prescription(records))
    (view,) = await prescriptions_of_visit(records, sheet.visit_id)
    found = await read_prescription(records, view.code.upper(), actor=DOCTOR, now=NOW)
    assert found.sheet_id == sheet.id
    subjects = [entry.subject for entry in await entries_of_patient(records, sheet.patient_id)]
    assert f"emr.prescription:{sheet.id}" in subjects
    with pytest.raises(NoSuchPrescription):
        await get_prescription(records, "99999zzzzzzz-C")
