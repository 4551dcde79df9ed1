import re
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import zxingcpp
from msgspec.structs import replace
from PIL import Image

from billing.accounts.service import lock_account
from billing.ledger.rules import Book
from billing.payments.service import Money, pay_request
from billing.receipts.service import receipts_of_episode
from billing.receipts.views import Method
from billing.requests.at_counter import open_at
from billing.requests.service import requests_of_episode
from billing.settlements.service import release_covered
from billing.shifts.service import add_counter
from hospital.settings import Settings
from kernel.clock import utc_now
from kernel.db import Sessions
from kernel.ids import new_id
from kernel.staff.api import SYSTEM, Role
from tests.billing.builders import SETTINGS, a_request, an_episode
from tests.conftest import SignedIn


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, billing=SETTINGS, kernel=replace(settings.kernel, demo=True))


async def a_till(client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn) -> None:
    """Counter Q1 with the signed-in cashier's shift."""
    async with sessions.begin() as session:
        await add_counter(session, "Q1", "Quầy thu 1")
    await signed_in(Role.CASHIER)
    form = {"id": str(new_id()), "counter": "Q1", "opening_float": "500.000"}
    answer = await client.post("/till/shift", data=form)
    assert answer.status_code == 303, answer.text


async def an_open_bill(sessions: Sessions) -> str:
    async with sessions.begin() as session:
        episode = await an_episode(session)
        await release_covered(session, await lock_account(session, episode), now=utc_now())
    return str(episode)


async def test_a_cashier_sees_who_owes_what(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await a_till(client, sessions, signed_in)
    await an_open_bill(sessions)
    page = (await client.get("/till")).text
    assert "Nguyễn Thị Thu Hà" in page
    assert "150.000 ₫" in page


@pytest.mark.parametrize("path", ["/till", "/till/unmatched", "/till/list", "/api/billing/unmatched"])
async def test_a_doctor_does_not_take_money(
    client: httpx.AsyncClient, signed_in: SignedIn, path: str
) -> None:
    await signed_in(Role.DOCTOR)
    assert (await client.get(path)).status_code == 403


async def test_a_stranger_is_sent_to_sign_in(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/billing/unmatched")).status_code == 401


async def test_asking_by_qr_shows_the_code_and_the_state(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await a_till(client, sessions, signed_in)
    episode = await an_open_bill(sessions)
    answer = await client.post(f"/till/{episode}/qr", data={"id": str(new_id())})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/till/{episode}")
    page = (await client.get(f"/till/{episode}")).text
    assert "Chờ thu" in page
    assert "BẢN CHẠY THỬ" in page
    assert "NGUYỄN THỊ THU HÀ" in page


async def test_sending_the_form_twice_asks_once(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await a_till(client, sessions, signed_in)
    episode = await an_open_bill(sessions)
    form = {"id": str(new_id())}
    for _ in range(2):
        assert (await client.post(f"/till/{episode}/qr", data=form)).status_code == 303
    assert (await client.get(f"/till/{episode}")).text.count("VP") < 10


async def test_amounts_are_read_as_people_write_them(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await a_till(client, sessions, signed_in)
    episode = await an_open_bill(sessions)
    for typed in ("500.000", "500000", " 500.000 "):
        form = {"id": str(new_id()), "kind": "deposit", "deposit": typed}
        assert (await client.post(f"/till/{episode}/qr", data=form)).status_code == 303
    async with sessions.begin() as session:
        asked = await requests_of_episode(session, UUID(episode))
    assert [request.amount for request in asked] == [500_000] * 3


async def test_other_amounts_are_refused_at_the_field(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await a_till(client, sessions, signed_in)
    episode = await an_open_bill(sessions)
    for typed in ("500.000,5", "5.00", "-1", "năm trăm", "", "0", "1e6", "500 000"):
        form = {"id": str(new_id()), "kind": "deposit", "deposit": typed}
        answer = await client.post(f"/till/{episode}/cash", data=form)
        assert (answer.status_code, 'href="#deposit"' in answer.text) == (422, True), typed


async def test_a_deposit_larger_than_a_transfer_carries_is_refused_at_the_field(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await a_till(client, sessions, signed_in)
    episode = await an_open_bill(sessions)
    form = {"id": str(new_id()), "kind": "deposit", "deposit": "500.000.000"}
    answer = await client.post(f"/till/{episode}/qr", data=form)
    assert (answer.status_code, 'href="#deposit"' in answer.text) == (422, True)
    assert "499.999.999" in answer.text


async def test_a_form_with_a_line_of_nobody_is_refused(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await a_till(client, sessions, signed_in)
    episode = await an_open_bill(sessions)
    answer = await client.post(f"/till/{episode}/qr", data={"id": str(new_id()), "charge-x": "on"})
    assert answer.status_code == 422
    assert "tải lại trang" in answer.text


async def test_money_is_not_taken_without_a_shift(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await signed_in(Role.CASHIER)
    episode = await an_open_bill(sessions)
    answer = await client.post(f"/till/{episode}/qr", data={"id": str(new_id())})
    assert answer.status_code == 422
    assert "mở ca" in answer.text


async def test_cash_prints_a_number_and_leaves_the_list(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await a_till(client, sessions, signed_in)
    episode = await an_open_bill(sessions)
    assert (await client.post(f"/till/{episode}/cash", data={"id": str(new_id())})).status_code == 303
    page = (await client.get(f"/till/{episode}")).text
    assert re.search(r"Q1-\d\d-000001", page)
    assert "Nguyễn" not in (await client.get("/till/list")).text


async def test_cash_is_confirmed_before_it_is_booked(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await a_till(client, sessions, signed_in)
    episode = await an_open_bill(sessions)
    form = {"id": str(new_id())}
    asked = await client.post(f"/till/{episode}/cash/confirmation", data=form)
    assert asked.status_code == 200
    assert 'data-change-from="150000"' in asked.text
    assert form["id"] in asked.text
    too_little = form | {"expected": "150000", "received": "100.000"}
    refused = await client.post(f"/till/{episode}/cash", data=too_little)
    assert refused.status_code == 422
    assert "Khách đưa chưa đủ" in refused.text
    changed = await client.post(f"/till/{episode}/cash", data=form | {"expected": "140000"})
    assert changed.status_code == 422
    assert "Số tiền vừa thay đổi" in changed.text
    async with sessions.begin() as session:
        assert await requests_of_episode(session, UUID(episode)) == []
    confirmed = form | {"expected": "150000", "received": "200.000"}
    for _ in range(2):
        assert (await client.post(f"/till/{episode}/cash", data=confirmed)).status_code == 303
    async with sessions.begin() as session:
        (request,) = await requests_of_episode(session, UUID(episode))
        assert (request.state, request.received) == ("PAID", 150_000)
        assert len(await receipts_of_episode(session, UUID(episode))) == 1
    nothing_left = await client.post(f"/till/{episode}/cash/confirmation", data={"id": str(new_id())})
    assert nothing_left.status_code == 422


async def test_cash_without_a_shift_is_not_even_asked_for(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await signed_in(Role.CASHIER)
    episode = await an_open_bill(sessions)
    answer = await client.post(f"/till/{episode}/cash/confirmation", data={"id": str(new_id())})
    assert answer.status_code == 422
    assert "chưa mở ca" in answer.text
    assert "take-cash" not in answer.text


async def test_a_search_finds_by_name_and_by_reference(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await a_till(client, sessions, signed_in)
    async with sessions.begin() as session:
        episode = await an_episode(session)
        request = await a_request(session, episode)
    for typed in ("thu ha", request.reference):
        assert f"/till/{episode}" in (await client.get("/till", params={"q": typed})).text
    assert "Không thấy" in (await client.get("/till", params={"q": "không ai tên thế"})).text


async def test_closing_a_shift_with_a_difference_needs_a_reason(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await a_till(client, sessions, signed_in)
    answer = await client.post("/till/shift/closing", data={"counted": "490.000", "reason": ""})
    assert answer.status_code == 422
    assert "lý do" in answer.text
    form = {"counted": "490.000", "reason": "thối nhầm"}
    assert (await client.post("/till/shift/closing", data=form)).status_code == 303
    assert "Mở ca thu" in (await client.get("/till")).text


async def test_closing_a_shift_takes_its_codes_off_the_second_screen(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await a_till(client, sessions, signed_in)
    await paired(client)
    episode = await an_open_bill(sessions)
    await client.post(f"/till/{episode}/qr", data={"id": str(new_id())})
    async with sessions.begin() as session:
        await a_request(session, await an_episode(session), counter="Q2")
    page = (await client.get("/till")).text
    assert "1 mã QR của quầy còn chờ tiền" in page
    refused = await client.post("/till/shift/closing", data={"counted": "490.000", "reason": ""})
    assert refused.status_code == 422
    assert 'data-face="paying"' in (await client.get("/screens/Q1/state")).text, "the shift is still open"
    assert (await client.post("/till/shift/closing", data={"counted": "500.000"})).status_code == 303
    face = (await client.get("/screens/Q1/state")).text
    assert "Mã đã huỷ" in face
    async with sessions.begin() as session:
        (request,) = await requests_of_episode(session, UUID(episode))
        assert request.state == "CANCELLED"
        assert [other.state for other in await open_at(session, "Q2")] == ["PENDING"]
        late = Money(amount=request.amount, source=Book.BANK, method=Method.TRANSFER, actor=SYSTEM)
        await pay_request(session, request.id, late, now=utc_now())
        (request,) = await requests_of_episode(session, UUID(episode))
        assert (request.state, request.late) == ("PAID", True)


async def test_a_counter_has_one_cashier(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await a_till(client, sessions, signed_in)
    await signed_in(Role.CASHIER)
    form = {"id": str(new_id()), "counter": "Q1", "opening_float": ""}
    answer = await client.post("/till/shift", data=form)
    assert answer.status_code == 422
    assert "đang có người thu" in answer.text


async def paired(client: httpx.AsyncClient) -> None:
    page = (await client.get("/screens/Q1")).text
    found = re.search(r'class="pair">(\d{3}) (\d{3})<', page)
    assert found
    answer = await client.post("/till/screens", data={"code": "".join(found.groups())})
    assert answer.status_code == 303


async def test_a_screen_shows_nothing_until_a_cashier_pairs_it(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await a_till(client, sessions, signed_in)
    assert (await client.get("/screens/Q1/state")).status_code == 403
    answer = await client.post("/till/screens", data={"code": "000000"})
    assert answer.status_code == 422
    await paired(client)
    assert 'data-face="waiting"' in (await client.get("/screens/Q1")).text
    assert (await client.get("/screens/Q9")).status_code == 404


async def test_the_second_screen_follows_the_request(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await a_till(client, sessions, signed_in)
    await paired(client)
    episode = await an_open_bill(sessions)
    await client.post(f"/till/{episode}/qr", data={"id": str(new_id())})
    face = (await client.get("/screens/Q1/state")).text
    for words in (
        'data-face="paying"',
        "NGUYỄN T** T** H*",
        "150.000",
        "BENH VIEN DA KHOA VI DU",
        "BẢN CHẠY THỬ",
    ):
        assert words in face
    assert "Thu Hà" not in face
    async with sessions.begin() as session:
        (request,) = await requests_of_episode(session, UUID(episode))
    money = Money(amount=100_000, source=Book.BANK, method=Method.TRANSFER, actor=SYSTEM)
    async with sessions.begin() as session:
        await pay_request(session, request.id, money, now=utc_now())
    assert 'data-face="too_little"' in (await client.get("/screens/Q1/state")).text
    async with sessions.begin() as session:
        await pay_request(session, request.id, replace(money, amount=50_000), now=utc_now())
    assert 'data-face="paid"' in (await client.get("/screens/Q1/state")).text


async def test_another_screen_takes_the_place_of_the_first(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn
) -> None:
    await a_till(client, sessions, signed_in)
    await paired(client)
    first = client.cookies.get("lanh_screen")
    client.cookies.delete("lanh_screen")
    await paired(client)
    assert (await client.get("/screens/Q1/state")).status_code == 200
    cookie = {"cookie": f"lanh_screen={first}"}
    client.cookies.delete("lanh_screen")
    assert (await client.get("/screens/Q1/state", headers=cookie)).status_code == 403


async def test_the_picture_of_a_request_is_read_by_a_scanner(
    client: httpx.AsyncClient, sessions: Sessions, signed_in: SignedIn, tmp_path: Path
) -> None:
    await signed_in(Role.CASHIER)
    async with sessions.begin() as session:
        request = await a_request(session, await an_episode(session))
    answer = await client.get(f"/api/billing/requests/{request.id}/qr.png")
    (tmp_path / "qr.png").write_bytes(answer.content)
    with Image.open(tmp_path / "qr.png") as image:
        assert [code.text for code in zxingcpp.read_barcodes(image)] == [request.payload]
    svg = await client.get(f"/api/billing/requests/{request.id}/qr.svg")
    assert svg.headers["content-type"].startswith("image/svg+xml")
