"""The doctor's one page: it keeps drafts, tells conflicts, orders at once, and shows what is paid."""

import gzip
import re
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from emr.api import OrderLine, Payer, PlaceOrders, VisitView, place_orders, start_visit
from emr.settings import EmrSettings
from emr.sheets.rules import SheetState
from emr.sheets.service import InvalidSheet, StaleDraft, get_sheet, sheets_of_visit
from emr.workbench.desk import keep_drafts, live_sheets, missing, open_desk
from emr.workbench.orders import order_rows, unpaid_note
from emr.workbench.views import DeskPage
from kernel.ids import new_id
from kernel.staff.api import Role
from tests.conftest import SignedIn
from tests.emr.builders import DOCTOR, LATER, NOW, a_visit, an_actor

pytestmark = pytest.mark.usefixtures("hospital")
SETTINGS = EmrSettings()
F411 = [("dx.0.code", "F41.1"), ("dx.0.name", "Rối loạn lo âu lan tỏa")]
SERTRALIN = {
    "ma": "T01",
    "ten": "Sertralin",
    "ham_luong": "50 mg",
    "don_vi": "viên",
    "duong_dung": "uống",
    "lieu": "1 viên",
    "so_lan": "1",
    "thoi_diem": "Sáng, sau ăn",
    "so_ngay": "14",
    "so_luong": "14",
}


def drug(n: int = 0, **more: str) -> list[tuple[str, str]]:
    return [(f"DT-C:thuoc.{n}.{key}", text) for key, text in (SERTRALIN | more).items()]


async def a_started_visit(session: AsyncSession, **more: Any) -> VisitView:
    visit = await a_visit(session, payer=Payer.BHYT, **more)
    return await start_visit(session, visit.id, actor=DOCTOR, now=NOW)


async def desk(session: AsyncSession, visit_id: UUID) -> DeskPage:
    return await open_desk(session, visit_id, actor=DOCTOR, now=NOW, settings=SETTINGS)


async def save(session: AsyncSession, visit_id: UUID, *pairs: tuple[str, str], **more: Any) -> Any:
    given: dict[str, Any] = {"actor": DOCTOR, "now": LATER, "settings": SETTINGS} | more
    return await keep_drafts(session, visit_id, pairs, **given)


async def test_the_first_look_begins_the_note(session: AsyncSession) -> None:
    visit = await a_started_visit(session)
    page = await desk(session, visit.id)
    assert (page.phase, page.state, page.note["ly_do"]) == ("writing", "Nháp", "Mất ngủ")
    assert page.revisions == {"PKB": 1}
    assert ("BHYT", "80 % · đến 31/12/2026") in page.facts
    await desk(session, visit.id)
    assert len(await sheets_of_visit(session, visit.id)) == 1


async def test_a_waiting_visit_is_looked_at_without_writing(session: AsyncSession) -> None:
    visit = await a_visit(session, payer=Payer.BHYT)
    page = await desk(session, visit.id)
    assert (page.phase, page.revisions) == ("waiting", {})
    assert await sheets_of_visit(session, visit.id) == []


async def test_one_save_fills_three_sheets(session: AsyncSession) -> None:
    visit = await a_started_visit(session)
    await desk(session, visit.id)
    saved = await save(
        session,
        visit.id,
        ("revision:PKB", "1"),
        ("PKB:ly_do", "Mất ngủ, hồi hộp"),
        ("PHK:hen_ngay", "05/12/2026"),
        *F411,
        *drug(),
    )
    assert saved.revisions == {"revision:PKB": 2, "revision:DT-C": 2, "revision:PHK": 2}
    page = await desk(session, visit.id)
    assert page.diagnoses == [{"code": "F41.1", "name": "Rối loạn lo âu lan tỏa"}]
    assert page.drugs[0]["lieu"] == "1 viên"
    assert page.appointment["hen_ngay"] == "05/12/2026"
    lines = await live_sheets(session, visit.id)
    prescription = await get_sheet(session, lines["DT-C"].id, now=LATER)
    assert prescription.data["chan_doan"] == page.diagnoses


async def test_wrong_values_are_told_but_kept(session: AsyncSession) -> None:
    visit = await a_started_visit(session)
    saved = await save(session, visit.id, ("PKB:mach", "9000"), ("PKB:nhiet_do", "36,8"))
    assert list(saved.errors) == ["PKB:mach"]
    assert (await desk(session, visit.id)).note["mach"] == "9000"


async def test_an_emptied_prescription_is_given_up(session: AsyncSession) -> None:
    visit = await a_started_visit(session)
    first = await save(session, visit.id, *F411, *drug())
    await save(session, visit.id, ("revision:PKB", str(first.revisions["revision:PKB"])), *F411)
    states = {line.form_code: line.state for line in await sheets_of_visit(session, visit.id)}
    assert states["DT-C"] is SheetState.CANCELLED
    again = await save(session, visit.id, ("revision:PKB", "3"), ("revision:DT-C", "2"), *F411, *drug())
    assert again.revisions["revision:DT-C"] == 2


async def test_a_save_made_elsewhere_is_a_conflict(session: AsyncSession) -> None:
    visit = await a_started_visit(session)
    await desk(session, visit.id)
    await save(session, visit.id, ("revision:PKB", "1"), ("PKB:ly_do", "Mất ngủ"))
    with pytest.raises(StaleDraft):
        await save(session, visit.id, ("revision:PKB", "1"), ("PKB:ly_do", "Đau đầu"))


async def test_another_doctor_who_never_saw_the_draft_is_refused(session: AsyncSession) -> None:
    visit = await a_started_visit(session)
    await save(session, visit.id, ("PKB:ly_do", "Mất ngủ"))
    other = an_actor(Role.DOCTOR, name="BS Khác")
    with pytest.raises(StaleDraft):
        await save(session, visit.id, ("PKB:ly_do", "Đau đầu"), actor=other)


async def test_a_lost_answer_does_not_stop_the_same_doctor(session: AsyncSession) -> None:
    visit = await a_started_visit(session)
    await save(session, visit.id, *F411, *drug())
    page = await desk(session, visit.id)
    again = await save(
        session, visit.id, ("revision:PKB", str(page.revisions["PKB"])), *F411, *drug(so_ngay="7")
    )
    assert again.revisions["revision:DT-C"] == 3


async def test_a_field_too_long_is_refused_as_a_whole(session: AsyncSession) -> None:
    visit = await a_started_visit(session)
    with pytest.raises(InvalidSheet):
        await save(session, visit.id, ("PKB:qua_trinh_benh_ly", "a" * 500_000))


async def test_what_is_missing_is_named_by_the_field(session: AsyncSession) -> None:
    visit = await a_started_visit(session)
    await save(session, visit.id, ("PKB:huong_giai_quyet", "3"), ("PKB:toan_than", "Tỉnh"))
    fields = dict(await missing(session, visit.id))
    assert {"dx", "PKB:qua_trinh_benh_ly", "PKB:cac_bo_phan", "PHK:hen_ngay"} <= set(fields)
    assert "PKB:toan_than" not in fields


async def test_orders_say_what_is_paid(session: AsyncSession) -> None:
    visit = await a_visit(session)
    lines = [OrderLine(id=new_id(), service_code="XN01"), OrderLine(id=new_id(), service_code="XN02")]
    await place_orders(session, PlaceOrders(visit.id, lines), actor=DOCTOR, now=NOW)
    rows = await order_rows(session, visit.id)
    assert {(row.name, row.word, row.can_void) for row in rows} == {
        ("Glucose máu", "Chờ thu", True),
        ("Định lượng vitamin D", "Chờ thu", True),
    }
    assert unpaid_note(rows) == "2 chờ thu"


async def sign_in_and_start(session: AsyncSession, signed_in: SignedIn) -> VisitView:
    doctor = await signed_in(Role.DOCTOR, name="Lê Minh Tuấn")
    visit = await a_visit(session, payer=Payer.BHYT)
    return await start_visit(session, visit.id, actor=doctor, now=NOW)


async def test_the_page_stands_and_is_audited(
    client: httpx.AsyncClient, session: AsyncSession, signed_in: SignedIn
) -> None:
    visit = await sign_in_and_start(session, signed_in)
    await session.commit()
    page = await client.get(f"/workbench/visits/{visit.id}")
    assert page.status_code == 200
    assert len(gzip.compress(page.content, 5)) < 40_000  # A later page, over the wire.
    for text in ("TRẦN THỊ MẪU", "Hoàn tất và ký", "Chưa ghi dị ứng", 'data-section="6"', "Mất ngủ"):
        assert text in page.text


async def test_autosave_answers_what_the_page_needs(
    client: httpx.AsyncClient, session: AsyncSession, signed_in: SignedIn
) -> None:
    visit = await sign_in_and_start(session, signed_in)
    await session.commit()
    url = f"/workbench/visits/{visit.id}/draft"
    saved = await client.post(url, data={"PKB:ly_do": "Mất ngủ", "PKB:mach": "5"})
    assert saved.status_code == 200
    assert saved.json()["revisions"] == {"revision:PKB": 2}
    assert "PKB:mach" in saved.json()["errors"]
    stale = await client.post(url, data={"revision:PKB": "1", "PKB:ly_do": "Khác"})
    assert (stale.status_code, "nơi khác" in stale.json()["detail"]) == (409, True)


async def test_ordering_and_voiding_from_the_page(
    client: httpx.AsyncClient, session: AsyncSession, signed_in: SignedIn
) -> None:
    visit = await sign_in_and_start(session, signed_in)
    await session.commit()
    base = f"/workbench/visits/{visit.id}/orders"
    placed = await client.post(base, data={"service_code": "XN01"})
    assert "Glucose máu" in placed.text
    found = re.search(rf"{base}/([0-9a-f-]{{36}})/void", placed.text)
    assert found
    order_id = found[1]
    asked = await client.get(f"{base}/{order_id}/void")
    assert "Chỉ định nhầm" in asked.text
    voided = await client.post(f"{base}/{order_id}/void", data={"reason": "Chỉ định nhầm"})
    assert voided.headers["HX-Trigger"] == "dialog:close"
    assert "Đã huỷ" in voided.text
    unknown = await client.post(base, data={"service_code": "KHONGCO"})
    assert "Không có dịch vụ" in unknown.text


async def test_a_visit_that_is_not_there(client: httpx.AsyncClient, signed_in: SignedIn) -> None:
    await signed_in(Role.DOCTOR)
    assert (await client.get(f"/workbench/visits/{new_id()}")).status_code == 404
    assert (await client.post(f"/workbench/visits/{new_id()}/draft", data={})).status_code == 404
