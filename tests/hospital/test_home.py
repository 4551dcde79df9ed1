"""After sign-in everybody lands on their own work."""

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from hospital.rail import RAIL
from kernel.facility import Facility
from kernel.staff.api import Role
from kernel.web.setup import RailItem, Shell
from tests.conftest import SignedIn
from tests.emr.builders import a_hospital


async def test_a_stranger_is_asked_to_sign_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/")


async def test_somebody_without_a_place_is_told_who_helps(
    client: httpx.AsyncClient, signed_in: SignedIn
) -> None:
    await signed_in()
    answer = await client.get("/")
    assert answer.status_code == 200
    assert "Gọi quản trị" in answer.text


@pytest.mark.parametrize("role", list(Role))
async def test_every_role_has_places_and_each_of_them_opens(
    client: httpx.AsyncClient, signed_in: SignedIn, session: AsyncSession, role: Role
) -> None:
    await a_hospital(session)
    await signed_in(role)
    answer = await client.get("/", follow_redirects=True)
    assert "Gọi quản trị" not in answer.text
    mine = [item.path for item in RAIL if role in item.roles]
    assert len(mine) > 1
    for path in mine:
        assert f'href="{path}"' in answer.text, path
        assert (await client.get(path, follow_redirects=True)).status_code == 200, path


async def test_code_of_a_page_hears_that_the_session_ended(client: httpx.AsyncClient) -> None:
    """A redirect would be followed to the sign-in page and read as success."""
    answer = await client.get("/reception/rooms", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/not-signed-in")


async def test_a_part_of_a_page_does_not_take_the_page_away(client: httpx.AsyncClient) -> None:
    answer = await client.get("/reception/rooms", headers={"hx-request": "true"})
    assert answer.status_code == 401
    assert "hx-redirect" not in answer.headers


@pytest.mark.parametrize("path", ["/screens/a%00b", "/boards/a%00b", "/boards/zzz"])
async def test_what_no_column_holds_is_a_bad_request_and_no_bug(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code in (400, 404)
    assert "Hệ thống gặp lỗi" not in answer.text


async def test_a_name_with_a_nul_is_not_let_in(client: httpx.AsyncClient) -> None:
    await client.get("/login")
    answer = await client.post("/login", data={"username": "a\0b", "password": "a\0b"})
    assert answer.status_code == 400
    assert "Yêu cầu không đọc được" in answer.text


async def test_a_number_past_all_numbers_is_a_bad_request(
    client: httpx.AsyncClient, signed_in: SignedIn
) -> None:
    await signed_in(Role.ADMIN)
    answer = await client.post("/admin/jobs/99999999999999999999/retry")
    assert answer.status_code == 400


async def test_a_missing_part_of_an_address_is_not_told_as_a_change_by_others(
    client: httpx.AsyncClient, signed_in: SignedIn
) -> None:
    await signed_in(Role.DOCTOR)
    answer = await client.get("/sheets")
    assert answer.status_code == 400
    assert "Có người vừa thay đổi" not in answer.text


@pytest.mark.parametrize(
    ("path", "place"),
    [("/till", "/till"), ("/till/unmatched", "/till"), ("/till/refunds", "/till/refunds"), ("/tillage", "")],
)
def test_the_nearest_place_is_marked_in_the_rail(path: str, place: str) -> None:
    rail = (RailItem("/till", "Thu tiền", "wallet"), RailItem("/till/refunds", "Hoàn tiền", "undo-2"))
    shell = Shell(None, Facility(), demo=False, path=path, rail=rail, department="")
    assert shell.place == place


@pytest.mark.parametrize(
    ("path", "first"), [("/portal/xyz", "/portal"), ("/kiosk/xyz", "/kiosk"), ("/xyz", "/")]
)
async def test_a_page_not_found_leads_back_to_the_first_page_of_its_own_house(
    client: httpx.AsyncClient, path: str, first: str
) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert f'href="{first}">Về trang đầu' in answer.text
