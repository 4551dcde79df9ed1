"""Completion: checked, rendered once, handed to signing; then the sheet and every child of it are locked."""

import asyncio
import json
from io import BytesIO
from typing import Any

import pikepdf
import pytest
from msgspec.structs import replace
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from emr.catalogs.models import Icd10Code
from emr.episodes.rules import Outcome, Payer
from emr.episodes.views import Admit
from emr.orders.service import place_orders
from emr.orders.views import OrderLine, PlaceOrders
from emr.settings import EmrSettings
from emr.sheets.completion import complete_sheet, preview_sheet
from emr.sheets.lists import documents_of_patient
from emr.sheets.prices import provide_prices
from emr.sheets.rules import SheetState
from emr.sheets.screen import state_word
from emr.sheets.service import (
    InvalidSheet,
    SheetLocked,
    SheetNotOpened,
    StaleDraft,
    amend_sheet,
    cancel_draft,
    get_sheet,
    open_sheet,
    save_draft,
)
from emr.sheets.views import AmendSheet, CompleteSheet, OpenSheet, SaveDraft, SheetView
from emr.stays.service import admit, discharge
from emr.visits.service import start_visit
from kernel.audit.api import entries_of_patient
from kernel.ids import new_id
from kernel.outbox.api import drain, publish
from kernel.outbox.registry import handlers_of
from kernel.problems import Problem
from kernel.services import Services
from signing.api import get_document
from signing.events import DocumentRefused, DocumentSigned
from tests.conftest import RealDatabase
from tests.emr.builders import DOCTOR, LATER, NOW, a_hospital, a_visit
from tests.emr.forms import PNEUMONIA
from tests.emr.sheet_acts import FUTURE, SETTINGS, a_draft, an_account, completed, run, sign_slot, signed, uid
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


async def locked_sheet(records: AsyncSession, services: Services) -> SheetView:
    sheet = await completed(services, await a_draft(records))
    records.expire_all()
    return sheet


async def test_a_completed_sheet_refuses_every_change_in_the_domain(
    records: AsyncSession, services: Services
) -> None:
    sheet = await locked_sheet(records, services)
    with pytest.raises(SheetLocked):
        await save_draft(records, SaveDraft(sheet.id, sheet.revision, {}), actor=DOCTOR, now=LATER)
    with pytest.raises(SheetLocked):
        await cancel_draft(records, sheet.id, actor=DOCTOR, now=LATER)
    with pytest.raises(SheetLocked):
        await completed(services, sheet)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE emr_sheet SET data = '{}' WHERE id = :id",
        "UPDATE emr_sheet SET state = 'DRAFT', document_id = NULL WHERE id = :id",
        "UPDATE emr_sheet SET sha256 = repeat('0', 64) WHERE id = :id",
        "UPDATE emr_sheet SET completed_name = 'x' WHERE id = :id",
        "DELETE FROM emr_sheet WHERE id = :id",
        "UPDATE emr_sheet_diagnosis SET code = 'A00' WHERE sheet_id = :id",
        "DELETE FROM emr_sheet_diagnosis WHERE sheet_id = :id",
        "INSERT INTO emr_sheet_diagnosis SELECT :id, 99, visit_id, 'OTHER', 'A00', 'x' FROM emr_sheet WHERE id = :id",
    ],
)
async def test_a_completed_sheet_refuses_every_change_in_the_database(
    records: AsyncSession, services: Services, statement: str
) -> None:
    sheet = await locked_sheet(records, services)
    with pytest.raises(DBAPIError, match=r"locked|never deleted|permission denied|completed"):
        async with records.begin_nested():
            await run(records, statement, id=sheet.id)


async def test_a_completed_request_locks_what_it_says_of_its_orders_but_not_their_way(
    records: AsyncSession, services: Services
) -> None:
    visit = await a_visit(records)
    line = OrderLine(new_id(), "XN01")
    await place_orders(records, PlaceOrders(visit.id, [line]), actor=DOCTOR, now=NOW)
    await completed(services, await a_draft(records, "PCD", visit_id=visit.id))
    for change in ("quantity = 2", "service_name = 'x'", "note = 'x'", "on_demand = NOT on_demand"):
        with pytest.raises(DBAPIError, match="locked by its sheet"):
            async with records.begin_nested():
                await run(records, f"UPDATE emr_order SET {change} WHERE id = :id", id=line.id)
    moved = (
        "UPDATE emr_order SET state = 'RELEASED', released_at = now(), released_by = 'RULE' WHERE id = :id"
    )
    assert await run(records, moved, id=line.id) == 1


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


async def test_signatures_move_the_sheet_and_the_last_one_issues_it(
    records: AsyncSession, services: Services
) -> None:
    sheet = await completed(services, await a_draft(records, "PHK"))
    document = await get_document(records, uid(sheet.document_id))
    assert [slot.owner_kind.value for slot in document.slots] == ["PERSON", "ORGANISATION"]
    await sign_slot(services, sheet, "bac_si", complete=False)
    records.expire_all()
    half = await get_sheet(records, sheet.id, now=LATER)
    assert (half.state, half.author_signed_at) == (SheetState.COMPLETED, LATER)
    assert await documents_of_patient(records, sheet.patient_id) == []
    await sign_slot(services, sheet, "to_chuc", complete=True)
    records.expire_all()
    (paper,) = await documents_of_patient(records, sheet.patient_id)
    assert (paper.document_id, paper.kind, paper.title) == (sheet.document_id, "PHK", "Phiếu hẹn khám lại")
    assert (paper.sha256, paper.signed_at) == ("ab" * 32, LATER)


async def test_an_addendum_replaces_the_old_version_only_when_it_is_signed(
    records: AsyncSession, services: Services
) -> None:
    old = await signed(services, await completed(services, await a_draft(records)))
    command = AmendSheet(new_id(), "Ghi nhầm huyết áp")
    draft = await amend_sheet(records, old.id, command, actor=DOCTOR, now=LATER)
    assert (draft.version, draft.supersedes, draft.data["chan_doan_chinh"]) == (2, old.id, PNEUMONIA)
    assert await amend_sheet(records, old.id, command, actor=DOCTOR, now=LATER) == draft
    with pytest.raises(SheetNotOpened, match="đang có"):
        await amend_sheet(records, old.id, AmendSheet(new_id(), "Lần nữa"), actor=DOCTOR, now=LATER)
    new = await completed(services, draft)
    pdf = await services.objects.get(str(new.sha256))
    read = " ".join(text_of(pdf).split())
    assert f"Bản bổ sung lần 1, thay bản mã {old.code}" in read
    assert "Ghi nhầm huyết áp" in read
    records.expire_all()
    assert (await get_sheet(records, old.id, now=LATER)).state is SheetState.SIGNED
    await signed(services, new)
    records.expire_all()
    assert (await get_sheet(records, old.id, now=LATER)).state is SheetState.SUPERSEDED
    assert [paper.document_id for paper in await documents_of_patient(records, old.patient_id)] == [
        new.document_id
    ]
    with pytest.raises(SheetNotOpened):
        await amend_sheet(records, old.id, AmendSheet(new_id(), "Bản cũ"), actor=DOCTOR, now=LATER)


async def test_a_refused_signature_is_told_and_answered_by_the_next_version(
    records: AsyncSession, services: Services
) -> None:
    sheet = await completed(services, await a_draft(records))
    event = DocumentRefused(
        document_id=uid(sheet.document_id),
        kind="PKB",
        subject=f"emr.sheet:{sheet.id}",
        refused_by=new_id(),
        reason="Thiếu chẩn đoán kèm theo",
        at=LATER,
    )
    async with services.sessions.begin() as session:
        await publish(session, event)
        await publish(session, replace(event, subject="billing.receipt:x"))
    await drain(services)
    records.expire_all()
    told = await get_sheet(records, sheet.id, now=LATER)
    assert (told.refused_reason, state_word(told)) == ("Thiếu chẩn đoán kèm theo", "Từ chối ký")
    command = AmendSheet(new_id(), "Bổ sung bệnh kèm theo")
    following = await amend_sheet(records, sheet.id, command, actor=DOCTOR, now=LATER)
    assert (following.version, following.refused_reason) == (2, "")


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


async def test_part_two_opens_with_the_signature_of_part_one(
    records: AsyncSession, services: Services
) -> None:
    settings = EmrSettings(forms_on=("15-BV1",))
    first = await completed(services, await a_draft(records, "15-BV1", settings=settings))
    document = await get_document(records, uid(first.document_id))
    assert [(slot.field, slot.owner_role) for slot in document.slots] == [
        ("bac_si_kham", None),
        ("giam_doc", "director"),
    ]
    await sign_slot(services, first, "bac_si_kham", complete=False)
    records.expire_all()
    second = await a_draft(records, "15-BV1", visit_id=first.visit_id, stage="B", settings=settings)
    assert (await completed(services, second)).title == "Bệnh án ngoại trú - phần ii: tổng kết bệnh án"


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


def test_the_news_of_signing_reach_the_sheets() -> None:
    kinds = {handler.kind for event in (DocumentSigned, DocumentRefused) for handler in handlers_of(event)}
    assert {"emr.mark_sheet_signed", "emr.mark_sheet_refused"} <= kinds


async def test_news_of_another_document_changes_nothing(records: AsyncSession, services: Services) -> None:
    sheet = await completed(services, await a_draft(records))
    await sign_slot(services, replace(sheet, document_id=new_id()), "bac_si_kham", complete=True)
    await sign_slot(services, replace(sheet, id=new_id()), "bac_si_kham", complete=True)
    records.expire_all()
    assert (await get_sheet(records, sheet.id, now=LATER)).state is SheetState.COMPLETED


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


async def test_two_people_completing_at_once_make_one_document(real_db: RealDatabase) -> None:
    async with real_db.sessions.begin() as session:
        await a_hospital(session)
        await an_account(session, DOCTOR)
        draft = await a_draft(session)
    one = CompleteSheet(draft.revision)
    results = await asyncio.gather(
        *(complete_sheet(real_db.services, draft.id, one, actor=DOCTOR, now=LATER) for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, SheetView) for result in results) == 1
    assert all(isinstance(result, SheetView | Problem) for result in results)
    async with real_db.sessions() as session:
        count = await session.scalar(text("SELECT count(*) FROM signing_document WHERE kind = 'PKB'"))
    assert count == 1


async def test_two_screens_saving_at_once_lose_no_words(real_db: RealDatabase) -> None:
    async with real_db.sessions.begin() as session:
        await a_hospital(session)
        await an_account(session, DOCTOR)
        draft = await a_draft(session)

    async def save(words: str) -> bool:
        command = SaveDraft(draft.id, draft.revision, draft.data | {"toan_than": words})
        try:
            async with real_db.sessions.begin() as session:
                await save_draft(session, command, actor=DOCTOR, now=LATER)
        except StaleDraft:
            return False
        return True

    assert sorted(await asyncio.gather(*(save(f"Bản {n}") for n in range(5)))) == [False] * 4 + [True]


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
