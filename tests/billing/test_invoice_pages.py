"""The accountant's page, the files, and the way from a settled episode to a delivered invoice by jobs."""

from uuid import UUID

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.staff.api import Role
from tests.billing.builders import an_episode
from tests.billing.test_invoice_planning import a_settled_episode, stuck
from tests.conftest import SignedIn

COMPANY = {
    "kind": "organisation",
    "name": "Công ty Mẫu",
    "tax_code": "0101243150",
    "address": "Tỉnh Ví Dụ",
}


async def test_the_page_shows_what_needs_somebody_first(
    client: httpx.AsyncClient, session: AsyncSession, signed_in: SignedIn
) -> None:
    invoice = await stuck(session, problem="Nhà cung cấp từ chối: Sai mã số thuế")
    await session.commit()
    await signed_in(Role.ACCOUNTANT)
    page = await client.get("/invoices")
    assert page.status_code == 200
    assert "Nhà cung cấp từ chối: Sai mã số thuế" in page.text
    assert "Cần xử lý · 1" in page.text
    one = await client.get(f"/invoices/{invoice.id}")
    assert "Sửa người mua rồi gửi lại" in one.text


@pytest.mark.parametrize("shown", ["stuck", "waiting", "done"])
async def test_an_empty_group_says_what_comes_there(
    client: httpx.AsyncClient, signed_in: SignedIn, shown: str
) -> None:
    await signed_in(Role.ACCOUNTANT)
    page = await client.get("/invoices", params={"shown": shown})
    assert page.status_code == 200
    assert "sẽ hiện ở đây" in page.text or "Chưa có hoá đơn nào" in page.text


@pytest.mark.parametrize("path", ["/invoices", f"/invoices/{UUID(int=1)}", "/api/invoices"])
async def test_a_doctor_has_no_business_there(
    client: httpx.AsyncClient, signed_in: SignedIn, path: str
) -> None:
    await signed_in(Role.DOCTOR)
    assert (await client.get(path)).status_code == 403


async def test_a_refused_buyer_is_mended_on_the_page(
    client: httpx.AsyncClient, session: AsyncSession, signed_in: SignedIn
) -> None:
    invoice = await stuck(session, problem="Nhà cung cấp từ chối: Sai tên")
    await session.commit()
    await signed_in(Role.ACCOUNTANT)
    path = f"/invoices/{invoice.id}/buyer"
    refused = await client.post(path, data=COMPANY | {"address": ""})
    assert refused.status_code == 422
    assert "Tổ chức cần địa chỉ." in refused.text
    assert (await client.post(path, data=COMPANY)).status_code == 303
    page = await client.get(f"/invoices/{invoice.id}")
    assert "Công ty Mẫu" in page.text
    assert "Đã sửa người mua" in page.text


async def test_a_stuck_one_is_taken_up_again(
    client: httpx.AsyncClient, session: AsyncSession, signed_in: SignedIn
) -> None:
    invoice = await stuck(session, problem="x")
    await session.commit()
    await signed_in(Role.ACCOUNTANT)
    assert (await client.post(f"/invoices/{invoice.id}/sendings")).status_code == 303
    assert (await client.post(f"/api/invoices/{invoice.id}/sendings")).status_code == 202


async def test_an_invoice_is_asked_for_over_json(
    client: httpx.AsyncClient, session: AsyncSession, signed_in: SignedIn
) -> None:
    episode = await a_settled_episode(session)
    await session.commit()
    await signed_in(Role.CASHIER)
    body = {"episode_id": str(episode), "buyer": COMPANY | {"tax_code": "0101243151"}}
    answer = await client.post("/api/invoices", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["warnings"]
    listed = await client.get(f"/api/invoices/of-episode/{episode}")
    assert [row["buyer"] for row in listed.json()] == ["Công ty Mẫu"]
    again = await client.post("/api/invoices", json=body)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/invoice-exists")


async def test_no_file_before_the_code(
    client: httpx.AsyncClient, session: AsyncSession, signed_in: SignedIn
) -> None:
    invoice = await stuck(session)
    await session.commit()
    await signed_in(Role.ACCOUNTANT)
    for suffix in ("pdf", "xml"):
        answer = await client.get(f"/invoices/{invoice.id}.{suffix}")
        assert answer.status_code == 404
        assert "chưa có mã" in answer.text


async def test_the_cashier_notes_the_buyer_at_the_till(
    client: httpx.AsyncClient, session: AsyncSession, signed_in: SignedIn
) -> None:
    episode = await a_settled_episode(session)
    await session.commit()
    await signed_in(Role.CASHIER)
    path = f"/episodes/{episode}/invoice"
    page = await client.get(path)
    assert "Nguyễn Thị Thu Hà" in page.text
    refused = await client.post(path, data=COMPANY | {"tax_code": ""})
    assert refused.status_code == 422
    assert "Tổ chức cần mã số thuế" in refused.text
    assert (await client.post(path, data=COMPANY)).status_code == 303
    assert "Công ty Mẫu" in (await client.get(path)).text


async def test_a_buyer_may_be_noted_before_the_end(
    client: httpx.AsyncClient, session: AsyncSession, signed_in: SignedIn
) -> None:
    episode = await an_episode(session)
    await session.commit()
    await signed_in(Role.CASHIER)
    path = f"/episodes/{episode}/invoice"
    assert (await client.post(path, data=COMPANY)).status_code == 303
    assert "Đã ghi nhận yêu cầu" in (await client.get(path)).text
