"""What signatures do to a sheet: issued with the last, replaced by an addendum, refused and answered."""

import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession

from emr.settings import EmrSettings
from emr.sheets.lists import documents_of_patient
from emr.sheets.rules import SheetState
from emr.sheets.screen import state_word
from emr.sheets.service import SheetNotOpened, amend_sheet, get_sheet
from emr.sheets.views import AmendSheet
from kernel.ids import new_id
from kernel.outbox.api import drain, publish
from kernel.outbox.registry import handlers_of
from kernel.services import Services
from signing.api import get_document
from signing.events import DocumentRefused, DocumentSigned
from tests.emr.builders import DOCTOR, LATER
from tests.emr.forms import PNEUMONIA
from tests.emr.sheet_acts import a_draft, completed, sign_slot, signed, uid
from tests.kernel.paper.papers import text_of


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


def test_the_news_of_signing_reach_the_sheets() -> None:
    kinds = {handler.kind for event in (DocumentSigned, DocumentRefused) for handler in handlers_of(event)}
    assert {"emr.mark_sheet_signed", "emr.mark_sheet_refused"} <= kinds


async def test_news_of_another_document_changes_nothing(records: AsyncSession, services: Services) -> None:
    sheet = await completed(services, await a_draft(records))
    await sign_slot(services, replace(sheet, document_id=new_id()), "bac_si_kham", complete=True)
    await sign_slot(services, replace(sheet, id=new_id()), "bac_si_kham", complete=True)
    records.expire_all()
    assert (await get_sheet(records, sheet.id, now=LATER)).state is SheetState.COMPLETED
