"""The pages of a sheet: entry without JavaScript, autosave, refusals that keep the words, the exact paper."""

import re
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from emr.orders.service import place_orders
from emr.orders.views import OrderLine, PlaceOrders
from emr.sheets.check import is_empty
from emr.sheets.service import get_sheet
from kernel.audit.api import entries_of_patient
from kernel.ids import new_id
from kernel.services import Services
from kernel.staff.api import Role
from tests.conftest import SignedIn
from tests.emr.builders import DOCTOR, NOW, a_visit
from tests.emr.forms import answers
from tests.emr.sheet_acts import a_draft, completed
from tests.kernel.paper.papers import stamped


def as_form(data: dict[str, Any]) -> dict[str, Any]:
    """Return answers as a browser posts them."""
    sent: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            sent |= {f"{key}.{part}": text for part, text in value.items()}
        elif isinstance(value, list):
            for number, row in enumerate(value):
                sent |= {f"{key}.{number}.{part}": text for part, text in row.items()}
        else:
            sent[key] = value
    return sent


async def opened(client: httpx.AsyncClient, visit_id: UUID, form: str = "PKB") -> str:
    answer = await client.post("/sheets", data={"visit_id": str(visit_id), "form_code": form})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def test_a_note_is_written_and_finished_without_javascript(
    client: httpx.AsyncClient, signed_in: SignedIn, records: AsyncSession
) -> None:
    await signed_in(Role.DOCTOR)
    visit = await a_visit(records)
    path = await opened(client, visit.id)
    page = await client.get(path)
    assert page.status_code == 200
    assert "TRẦN THỊ MẪU" in page.text
    assert 'value="Mất ngủ"' in page.text
    data = as_form(answers("PKB")) | {"revision": "1"}
    assert (await client.post(path, data=data)).status_code == 303
    again = await client.get(path)
    assert 'value="J18.1"' in again.text
    done = await client.post(f"{path}/completion", data=data | {"revision": "2"})
    assert done.status_code == 303
    assert re.fullmatch(r"/sign/[0-9a-f-]{36}", done.headers["location"])
    locked = await client.get(path)
    assert "Chờ ký" in locked.text
    assert "Lập bản bổ sung" in locked.text


@pytest.mark.parametrize("code", ["PKB", "PCD", "DT-C", "PHK"])
async def test_every_form_can_be_entered_on_its_page(
    client: httpx.AsyncClient, signed_in: SignedIn, records: AsyncSession, code: str
) -> None:
    await signed_in(Role.DOCTOR)
    visit = await a_visit(records)
    await place_orders(records, PlaceOrders(visit.id, [OrderLine(new_id(), "XN01")]), actor=DOCTOR, now=NOW)
    path = await opened(client, visit.id, code)
    data = as_form(answers(code)) | {"revision": "1"}
    assert (await client.post(path, data=data)).status_code == 303
    sheet = await get_sheet(records, UUID(path.rsplit("/", 1)[1]), now=NOW)
    missing = {
        key for key, value in answers(code).items() if is_empty(sheet.data.get(key)) and not is_empty(value)
    }
    assert missing == set()
    assert (await client.get(path)).status_code == 200


async def test_what_is_wrong_is_summed_up_and_the_words_stay(
    client: httpx.AsyncClient, signed_in: SignedIn, records: AsyncSession
) -> None:
    await signed_in(Role.DOCTOR)
    path = await opened(client, (await a_visit(records)).id)
    data = {"revision": "1", "toan_than": "Tỉnh <b>táo</b>", "mach": "nhanh"}
    refused = await client.post(f"{path}/completion", data=data)
    assert refused.status_code == 422
    assert 'href="#mach"' in refused.text
    assert "Mạch phải là số." in refused.text
    assert "Tỉnh &lt;b&gt;táo&lt;/b&gt;" in refused.text
    assert 'value="nhanh"' in refused.text


async def test_the_sheets_of_a_visit_and_the_forms_to_begin_are_listed(
    client: httpx.AsyncClient, signed_in: SignedIn, records: AsyncSession, services: Services
) -> None:
    sheet = await completed(services, await a_draft(records))
    await signed_in(Role.DOCTOR)
    page = await client.get("/sheets", params={"visit_id": str(sheet.visit_id)})
    assert f"/sheets/{sheet.id}" in page.text
    assert "Chờ ký" in page.text
    assert 'value="GRV"' in page.text
    assert 'value="15-BV1"' not in page.text
    assert 'value="PKB"' not in page.text  # A visit has one note, and it is there.
    chart = await client.get(f"/patients/{sheet.patient_id}")
    assert f"/sheets?visit_id={sheet.visit_id}" in chart.text


async def test_a_stale_page_is_told_and_keeps_its_words(
    client: httpx.AsyncClient, signed_in: SignedIn, records: AsyncSession
) -> None:
    await signed_in(Role.DOCTOR)
    path = await opened(client, (await a_visit(records)).id)
    await client.post(path, data={"revision": "1", "toan_than": "Bản một"})
    stale = await client.post(path, data={"revision": "1", "toan_than": "Bản hai"})
    assert stale.status_code == 409
    assert "vừa được lưu ở nơi khác" in stale.text
    assert "Bản hai" in stale.text


async def test_autosave_tells_the_revision_the_conflict_and_the_fault(
    client: httpx.AsyncClient, signed_in: SignedIn, records: AsyncSession
) -> None:
    await signed_in(Role.DOCTOR)
    path = await opened(client, (await a_visit(records)).id)
    saved = await client.post(f"{path}/draft", data={"revision": "1", "toan_than": "Tỉnh"})
    assert (saved.status_code, saved.json()["revision"]) == (200, 2)
    assert re.fullmatch(r"\d\d:\d\d:\d\d", saved.json()["saved_at"])
    assert (await client.post(f"{path}/draft", data={"revision": "1", "toan_than": "Mê"})).status_code == 409
    long = await client.post(f"{path}/draft", data={"revision": "2", "toan_than": "x" * 450_000})
    assert (long.status_code, set(long.json()["errors"])) == (422, {"toan_than"})


async def test_a_draft_is_previewed_with_blanks_and_marked(
    client: httpx.AsyncClient, signed_in: SignedIn, records: AsyncSession
) -> None:
    await signed_in(Role.DOCTOR)
    path = await opened(client, (await a_visit(records)).id)
    for code in ("PKB", "DT-C"):
        path = path if code == "PKB" else await opened(client, (await a_visit(records, room="PK2")).id, code)
        shown = await client.get(f"{path}/preview")
        assert shown.headers["content-type"] == "application/pdf"
        assert stamped(shown.content, "BẢN NHÁP")


async def test_the_document_is_the_bytes_that_wait_and_prints_are_counted(
    client: httpx.AsyncClient, signed_in: SignedIn, records: AsyncSession, services: Services
) -> None:
    sheet = await completed(services, await a_draft(records))
    await signed_in(Role.NURSE)
    looked = await client.get(f"/documents/{sheet.document_id}.pdf")
    assert looked.content == await services.objects.get(str(sheet.sha256))
    assert (await client.get(f"/sheets/{sheet.id}/preview")).content == looked.content
    await client.get(f"/documents/{sheet.document_id}.pdf", params={"print": "1"})
    actions = [entry.action.value for entry in await entries_of_patient(records, sheet.patient_id)]
    assert actions.count("print") == 1
    assert (await client.get(f"/documents/{new_id()}.pdf")).status_code == 404
    assert (await client.get("/documents/x.pdf")).status_code == 404


async def test_a_next_version_needs_a_reason(
    client: httpx.AsyncClient, signed_in: SignedIn, records: AsyncSession, services: Services
) -> None:
    sheet = await completed(services, await a_draft(records))
    await signed_in(Role.DOCTOR)
    path = f"/sheets/{sheet.id}/amendments"
    refused = await client.post(path, data={"id": str(new_id()), "reason": " "})
    assert refused.status_code == 422
    assert "Ghi lý do" in refused.text
    begun = await client.post(path, data={"id": str(new_id()), "reason": "Sai cân nặng"})
    assert begun.status_code == 303
    page = await client.get(begun.headers["location"])
    assert "Lý do: Sai cân nặng" in page.text


async def test_a_draft_is_given_up_from_its_page(
    client: httpx.AsyncClient, signed_in: SignedIn, records: AsyncSession
) -> None:
    await signed_in(Role.DOCTOR)
    path = await opened(client, (await a_visit(records)).id)
    assert (await client.post(f"{path}/cancellation")).status_code == 303
    assert "Bản nháp đã hủy" in (await client.get(path)).text


async def test_the_till_sees_no_sheet(
    client: httpx.AsyncClient, signed_in: SignedIn, records: AsyncSession
) -> None:
    sheet = await a_draft(records)
    await signed_in(Role.CASHIER)
    for path in (f"/sheets/{sheet.id}", f"/sheets/{sheet.id}/preview", f"/documents/{new_id()}.pdf"):
        assert (await client.get(path)).status_code == 403
