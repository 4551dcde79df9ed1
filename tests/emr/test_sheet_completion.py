"""Completion: checked, rendered once, handed to signing."""

import json
from io import BytesIO
from typing import Any

import pikepdf
import pytest
from msgspec.structs import replace
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.models import Icd10Code
from emr.episodes.rules import Outcome, Payer
from emr.episodes.views import Admit
from emr.orders.service import place_orders
from emr.orders.views import OrderLine, PlaceOrders
from emr.sheets.completion import preview_sheet
from emr.sheets.prices import provide_prices
from emr.sheets.rules import SheetState
from emr.sheets.service import InvalidSheet, SheetNotOpened, StaleDraft, get_sheet, open_sheet, save_draft
from emr.sheets.views import OpenSheet, SaveDraft
from emr.stays.service import admit, discharge
from emr.visits.service import start_visit
from kernel.audit.api import entries_of_patient
from kernel.ids import new_id
from kernel.services import Services
from signing.api import get_document
from tests.emr.builders import DOCTOR, LATER, NOW, a_visit
from tests.emr.forms import PNEUMONIA
from tests.emr.sheet_acts import FUTURE, SETTINGS, a_draft, completed, uid
from tests.kernel.paper.papers import assert_archivable, pages_of, text_of


async def test_a_completed_sheet_waits_for_its_signer_with_the_bytes_that_were_kept(
    records: AsyncSession, services: Services
) -> None:
    sheet = await completed(services, await a_draft(records))
    assert sheet.state is SheetState.COMPLETED
    pdf = await services.objects.get(str(sheet.sha256))
    document = await get_document(records, uid(sheet.document_id))
    assert (document.base_sha256, document.code, document.pages) == (sheet.sha256, sheet.code, pages_of(pdf))
    assert [(slot.field, slot.owner_id) for slot in document.slots] == [("bac_si_kham", DOCTOR.id)]
    read = text_of(pdf)
    assert sheet.code in read
    assert "TRẦN THỊ MẪU" in read
    assert_archivable(pdf)


async def test_the_record_inside_names_patient_visit_author_and_both_clocks(
    records: AsyncSession, services: Services
) -> None:
    sheet = await completed(services, await a_draft(records, event_at=NOW))
    pdf = await services.objects.get(str(sheet.sha256))
    with pikepdf.open(BytesIO(pdf)) as file:
        inside = json.loads(file.attachments["PKB.json"].get_file().read_bytes())
    assert inside["fields"]["chan_doan_chinh"] == PNEUMONIA
    assert inside["fields"]["ho_ten"] == "TRẦN THỊ MẪU"
    assert inside["author"]["id"] == str(DOCTOR.id)
    assert (inside["eventAt"], inside["recordedAt"]) == (
        NOW.isoformat().replace("+00:00", "Z"),
        LATER.isoformat().replace("+00:00", "Z"),
    )
    assert "Thời điểm thực hiện: 21/11/2026 09:00" in text_of(pdf)


async def test_what_is_missing_is_told_by_field_and_nothing_is_locked(
    records: AsyncSession, services: Services
) -> None:
    draft = await a_draft(records, data={"mach": "chậm"})
    with pytest.raises(InvalidSheet) as refusal:
        await completed(services, draft)
    assert refusal.value.errors["mach"] == "Mạch phải là số."
    assert refusal.value.errors["qua_trinh_benh_ly"] == "Cần ghi: Quá trình bệnh lý."
    assert refusal.value.extra["errors"] == refusal.value.errors
    assert (await get_sheet(records, draft.id, now=NOW)).state is SheetState.DRAFT


async def test_a_completion_from_an_old_screen_is_refused(records: AsyncSession, services: Services) -> None:
    draft = await a_draft(records)
    with pytest.raises(StaleDraft):
        await completed(services, replace(draft, revision=draft.revision - 1))


async def test_a_draft_saved_while_it_is_rendered_is_not_completed(
    records: AsyncSession, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = await a_draft(records)
    put = services.objects.put

    async def put_late(data: bytes) -> str:
        async with services.sessions.begin() as other:
            await save_draft(
                other,
                SaveDraft(draft.id, draft.revision, draft.data | {"toan_than": "Mê"}),
                actor=DOCTOR,
                now=NOW,
            )
        return await put(data)

    monkeypatch.setattr(services.objects, "put", put_late)
    with pytest.raises(StaleDraft):
        await completed(services, draft)


async def test_a_second_request_prints_only_the_orders_that_stand_on_none(
    records: AsyncSession, services: Services
) -> None:
    visit = await a_visit(records)
    for code in ("XN01", "XN02"):
        await place_orders(records, PlaceOrders(visit.id, [OrderLine(new_id(), code)]), actor=DOCTOR, now=NOW)
        sheet = await completed(services, await a_draft(records, "PCD", visit_id=visit.id))
        assert len(sheet.data["chi_dinh"]) == 1
    with pytest.raises(InvalidSheet) as refusal:
        await completed(services, await a_draft(records, "PCD", visit_id=visit.id))
    assert set(refusal.value.errors) == {"chi_dinh"}


async def test_prices_of_a_higher_package_stand_on_the_request(
    records: AsyncSession, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def price(_: AsyncSession, order_ids: Any) -> dict[Any, int]:
        return dict.fromkeys(order_ids, 46_200)

    monkeypatch.setattr("emr.sheets.prices._source", [])
    from emr.sheets import prices

    prices._source.append(price)
    visit = await a_visit(records)
    lines = [OrderLine(new_id(), "XN01", quantity=2)]
    await place_orders(records, PlaceOrders(visit.id, lines), actor=DOCTOR, now=NOW)
    sheet = await completed(services, await a_draft(records, "PCD", visit_id=visit.id))
    assert sheet.data["chi_dinh"][0]["thanh_tien"] == "92.400"
    assert sheet.data["tong_cong"] == "92.400 ₫"
    assert provide_prices(price) is price


async def test_codes_are_held_against_the_list_of_diagnoses(
    records: AsyncSession, services: Services
) -> None:
    for code, more in (("J18.1", {}), ("I10", {}), ("U82", {"not_main": True}), ("N40", {"sex": "M"})):
        flags = {"not_main": False, "sex": ""} | more
        words = {"name": code, "name_en": code, "key": code.lower(), "code_key": code.lower()}
        await records.execute(
            insert(Icd10Code).values(code=code, marker="", needs_detail=False, **words, **flags)
        )
    draft = await a_draft(records)
    for code, reason in (
        ("Z99.9", "không có trong"),
        ("U82", "không được ghi là bệnh chính"),
        ("N40", "chỉ dùng cho"),
    ):
        data = draft.data | {"chan_doan_chinh": {"code": code, "name": "Bệnh"}}
        command = SaveDraft(draft.id, draft.revision, data)
        draft = await save_draft(records, command, actor=DOCTOR, now=LATER)
        with pytest.raises(InvalidSheet) as refusal:
            await completed(services, draft)
        assert reason in refusal.value.errors["chan_doan_chinh"]
    data = draft.data | {
        "chan_doan_chinh": PNEUMONIA,
        "chan_doan_kem_theo": [{"code": "U82", "name": "Kháng thuốc"}],
    }
    draft = await save_draft(records, SaveDraft(draft.id, draft.revision, data), actor=DOCTOR, now=LATER)
    assert (await completed(services, draft)).state is SheetState.COMPLETED


async def test_a_discharge_paper_takes_its_times_and_department_from_the_stay(
    records: AsyncSession, services: Services
) -> None:
    visit = await a_visit(records, payer=Payer.BHYT)
    await start_visit(records, visit.id, actor=DOCTOR, now=NOW)
    stay = await admit(records, Admit(new_id(), visit.id, "K02", "Theo dõi"), actor=DOCTOR, now=NOW)
    await discharge(records, stay.id, Outcome.HOME, actor=DOCTOR, now=LATER)
    draft = await open_sheet(
        records, OpenSheet(new_id(), visit.id, "GRV"), actor=DOCTOR, now=LATER, settings=SETTINGS
    )
    assert draft.data["vao_vien"] == "2026-11-21T09:00+07:00"
    assert draft.data["ra_vien"] == "2026-11-21T09:30+07:00"
    data = draft.data | {"chan_doan": PNEUMONIA, "phuong_phap_dieu_tri": "Kháng sinh"}
    draft = await save_draft(records, SaveDraft(draft.id, 1, data), actor=DOCTOR, now=LATER)
    sheet = await completed(services, draft)
    read = text_of(await services.objects.get(str(sheet.sha256)))
    assert "Khoa Tâm thần" in read
    assert f"Số hồ sơ: {stay.number}" in read
    document = await get_document(records, uid(sheet.document_id))
    assert [slot.owner_kind.value for slot in document.slots] == ["PERSON", "ORGANISATION"]


async def test_the_preview_of_a_draft_is_the_paper_that_will_be_signed(
    records: AsyncSession, services: Services
) -> None:
    draft = await a_draft(records)
    shown = await preview_sheet(services, draft.id, actor=DOCTOR, now=LATER)
    sheet = await completed(services, draft)
    assert await services.objects.get(str(sheet.sha256)) == shown
    assert await preview_sheet(services, draft.id, actor=DOCTOR, now=LATER) == shown


async def test_completion_is_audited_without_its_content(records: AsyncSession, services: Services) -> None:
    sheet = await completed(services, await a_draft(records))
    entries = [
        e for e in await entries_of_patient(records, sheet.patient_id) if e.subject == f"emr.sheet:{sheet.id}"
    ]
    assert any(entry.detail.get("completed") for entry in entries)
    assert "Viêm phổi" not in json.dumps([entry.detail for entry in entries], ensure_ascii=False)


async def test_an_appointment_carries_its_day(records: AsyncSession, services: Services) -> None:
    sheet = await completed(services, await a_draft(records, "PHK"))
    assert sheet.data["hen_ngay"] == FUTURE


async def test_opening_a_form_twice_for_one_visit_after_completion_is_refused(
    records: AsyncSession, services: Services
) -> None:
    sheet = await completed(services, await a_draft(records))
    opening = OpenSheet(new_id(), sheet.visit_id, "PKB")
    with pytest.raises(SheetNotOpened):
        await open_sheet(records, opening, actor=DOCTOR, now=LATER, settings=SETTINGS)
